"""`lru-tune fields`: every field of a configuration and of `tune:`, as docs/fields.md has them."""

import argparse
from collections.abc import Sequence

from lru_tune.cli.flags import command_parser
from lru_tune.config.reference import as_markdown
from lru_tune.config.schema import RunConfig
from lru_tune.space.settings import TuneSettings

PROG = "lru-tune fields"
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


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Print the page on stdout."""
    parser(prog).parse_args(argv)
    print(page(), end="")
    return 0


def parser(prog: str = PROG) -> argparse.ArgumentParser:
    """Return the command's parser."""
    return command_parser(
        prog,
        "List every field of a configuration and of a search space's `tune:` block, as Markdown: values, "
        "default, meaning, and whether another value is compiled anew.",
    )


def page() -> str:
    """Return the content of docs/fields.md."""
    return _PAGE.format(run=as_markdown(RunConfig), tune=as_markdown(TuneSettings, "tune."))
