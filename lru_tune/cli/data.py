"""`lru-tune data`: the commands of `python -m data_prep`."""

import argparse
from collections.abc import Sequence

from data_prep import cli

PROG = "lru-tune data"


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Run the command."""
    return cli.main(argv, prog)


def parser(prog: str = PROG) -> argparse.ArgumentParser:
    """Return the parser of all commands about data."""
    return cli.parser(prog)
