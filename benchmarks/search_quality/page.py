"""Puts the kept results into the tables of docs/how_a_search_is_done.md.

    python -m benchmarks.search_quality.page

What stands between `<!-- results: SETTING TASKS -->` and `<!-- end -->` is written anew; TASKS is `tuning`
or `judging`.
"""

import re
from pathlib import Path

from benchmarks.search_quality import kept
from benchmarks.search_quality.figures import table
from benchmarks.search_quality.lcbench import JUDGING

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how_a_search_is_done.md"
MARKED = re.compile(r"(<!-- results: (\S+) (tuning|judging) -->\n).*?(?=<!-- end -->)", re.S)


def kept_table(setting: str, tasks: str) -> str:
    """Return the table of a setting's kept rows and the number of its tasks."""
    rows = [row for row in kept.read(setting) if (row["task"] in JUDGING) == (tasks == "judging")]
    if not rows:
        return "Not measured yet.\n"
    return f"{len({row['task'] for row in rows})} tasks.\n\n{table(rows)}\n"


def filled(page: str) -> str:
    """Return the page with the tables of the results as they are now."""
    return MARKED.sub(lambda found: f"{found[1]}\n{kept_table(found[2], found[3])}\n", page)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
