"""`lru-tune fields`: every field of a configuration and of `tune:`, as docs/fields.md has them."""

import argparse
from collections.abc import Sequence

from lru_tune import __version__
from lru_tune.config.reference import as_markdown
from lru_tune.config.schema import RunConfig
from lru_tune.space.settings import TuneSettings

_PAGE = """\
# Fields

`lru-tune fields > docs/fields.md` wrote this page from `lru_tune/config/schema.py` and
`lru_tune/space/settings.py`.

A field is named by its dotted path, such as `optim.learning_rate`: under `base` and `search` of a search
space, after `--set`, and in the columns `config/optim.learning_rate` of data frames. What is left out takes
its default. A field without a default may be left out, except for `task`. Unknown names and wrong values
are refused, with file, line and the nearest valid name.

## A run

What one training depends on: the fields of `base`, `config.yaml` and `best.yaml`.

*Compiled anew* says whether another value needs a new compilation. Trials that differ only in fields with
"no" share one compiled program, so that these fields are cheap to search.

{run}
## The search

The `tune:` block of a search space: how the search is done. `--set tune.trials=64` changes one of them.

{tune}"""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the page on stdout."""
    parser().parse_args(argv)
    print(page(), end="")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = argparse.ArgumentParser(
        prog="lru-tune fields",
        description="List every field of a configuration and of a search space's `tune:` block: values, "
        "default, meaning, and whether another value is compiled anew. Markdown.",
    )
    made.add_argument("--version", action="version", version=f"lru-tune {__version__}")
    return made


def page() -> str:
    """Return the content of docs/fields.md."""
    return _PAGE.format(run=as_markdown(RunConfig), tune=as_markdown(TuneSettings, "tune."))
