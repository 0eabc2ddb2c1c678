"""`lru-tune report DIR`: write an experiment's tables and report anew."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lru_tune.layout import runs_root


def main(argv: Sequence[str] | None = None) -> int:
    """Rewrite the tables of an experiment; its summary to stderr, the report's path to stdout.

    Raises:
      ConfigError: the folder is no experiment.
    """
    # pandas takes most of a second to load, too long for `--help`.
    from lru_tune.results.experiment import write_tables

    arguments = parser().parse_args(argv)
    written = write_tables(experiment_folder(arguments.experiment))
    print(written.summary, file=sys.stderr)
    print(written.report)
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = argparse.ArgumentParser(
        prog="lru-tune report",
        description="Write trials.csv, confirm.csv, best.yaml and report.md of an experiment from its "
        "run directories. Safe while the experiment is running.",
    )
    made.add_argument(
        "experiment",
        metavar="DIR",
        help="the experiment's folder, or its name under $LRU_TUNE_RUNS or ./runs",
    )
    return made


def experiment_folder(given: str) -> Path:
    """Return the folder given, or the experiment of that name under the runs root."""
    path = Path(given)
    named = runs_root() / given
    return (named if not path.is_dir() and named.is_dir() else path).resolve()
