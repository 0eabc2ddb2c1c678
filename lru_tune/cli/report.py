"""`lru-tune report DIR`: write an experiment's tables and its report, with pictures, anew."""

import argparse
from collections.abc import Sequence

from lru_tune.api.arguments import find_experiment
from lru_tune.cli.flags import add_runs_root, command_parser
from lru_tune.system.worker_environment import prepare_process

PROG = "lru-tune report"


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Write the reports; the summary goes to stderr, their paths to stdout.

    Raises:
      ConfigError: the folder is no experiment.
    """
    from lru_tune.api.reporting import write_reports

    arguments = parser(prog).parse_args(argv)
    folder = find_experiment(arguments.experiment, arguments.runs_root)
    # A search may be using the GPU, most of whose memory JAX would take here for a few numbers.
    prepare_process(cpus=1, gpus=0)
    for path in write_reports(folder):
        print(path)
    return 0


def parser(prog: str = PROG) -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = command_parser(
        prog,
        "Write trials.csv, confirm.csv, best.yaml, report.md and, if matplotlib is installed, report.html "
        "of an experiment from its run directories. Safe while the experiment is running.",
    )
    made.add_argument(
        "experiment",
        metavar="DIR",
        help="the experiment's folder, its name under the runs root, or last for the newest one",
    )
    add_runs_root(made)
    return made
