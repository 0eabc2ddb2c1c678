"""The table of `list`: one row per task, aligned columns, wrapped on narrow terminals."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from data_prep import Request, prepare
from data_prep.listing import COLUMNS, state, table
from lru_tune.data.manifest import MANIFEST_FILE
from lru_tune.tasks import TASKS


def lines(root: Path, width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    console.print(table(root))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_every_task_has_a_row(tmp_path):
    assert [line.split()[0] for line in lines(tmp_path, 1_000)] == ["TASK", *TASKS]


def test_columns_stand_below_each_other(tmp_path):
    head, *rows = lines(tmp_path, 1_000)
    starts = [head.index(column) for column in COLUMNS]
    assert starts == sorted(starts)
    for row in rows:
        assert all(row[start - 1] == " " and row[start] != " " for start in starts[1:])


def test_a_narrow_terminal_folds_and_loses_nothing(tmp_path):
    prepare(Request("copy", tmp_path, limit=100))
    shown = lines(tmp_path, 80)
    assert max(map(len, shown)) <= 80
    assert {line.split()[0] for line in shown if line[0] != " "} == {"TASK", *TASKS}
    assert any("prepared: 100 / 5 / 5" in line for line in shown)
    assert not any("…" in line for line in shown)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [(None, "prepared: 100 / 5 / 5"), ("{", "damaged"), ("gone", "not prepared")],
)
def test_states(tmp_path, damage, expected):
    manifest = prepare(Request("copy", tmp_path, limit=100)).folder / MANIFEST_FILE
    if damage == "gone":
        manifest.unlink()
    elif damage is not None:
        manifest.write_text(damage)
    assert state("copy", tmp_path) == expected
