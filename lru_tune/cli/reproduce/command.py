"""`reproduce.py`, `lru-tune reproduce`: run a paper's tables and figures again and judge what came out."""

import argparse
import math
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from lru_tune import __version__
from lru_tune.cli.console import say
from lru_tune.cli.lanes import lanes
from lru_tune.cli.tracking import check_wandb
from lru_tune.errors import ConfigError, VerdictBelow
from lru_tune.files.paths import require_writable_runs, runs_root
from lru_tune.paper.tables import PaperTable
from lru_tune.reproduction.cells import choose_columns, choose_rows
from lru_tune.reproduction.scale import Scaled, Setting

SEEDS = 3  # as many as the paper's
QUICK_SEEDS = 2
MOST_QUICK_CELLS = 20  # that are run with so many


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the last line on stdout is the folder or file that was written.

    Raises:
      LruTuneError: as the work says; `lru_tune.cli.guard` turns it into an exit code.
    """
    arguments = parser().parse_args(argv)
    check_wandb(arguments.wandb)
    given = ((name, getattr(arguments, name)) for name in DOORS)
    asked = [name for name, value in given if value is not None and value is not False]
    if len(asked) != 1:
        raise ConfigError(
            "say what to reproduce, one of: --table N, --figure N, --audit, --from result.json, --list"
        )
    return DOORS[asked[0]](arguments, _command(argv))


def parser() -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = argparse.ArgumentParser(
        prog="reproduce.py",
        description="Run a table of Orvieto et al. 2023 again over fresh seeds and say, with statistics, "
        "whether the results agree. The same command goes on where it was interrupted.",
    )
    made.add_argument("--version", action="version", version=f"lru-tune {__version__}")

    _add_what(made)
    _add_which(made)
    _add_scale(made)
    _add_how(made)
    return made


def _add_what(made: argparse.ArgumentParser) -> None:
    what = made.add_argument_group("what is reproduced")
    what.add_argument("--list", action="store_true", help="show tables, rows, columns and figures")
    what.add_argument(
        "--table",
        metavar="N",
        help="1 to 9, or `online`: learning online, by Zucchet et al. 2023",
    )
    what.add_argument("--figure", metavar="N", help="a small experiment of the paper, on the CPU")
    what.add_argument(
        "--audit",
        action="store_true",
        help="where paper, minimal-LRU and this program differ, and why",
    )
    what.add_argument(
        "--from",
        metavar="RESULT",
        dest="origin",
        type=Path,
        help="run again exactly what a result.json describes",
    )


def _add_which(made: argparse.ArgumentParser) -> None:
    which = made.add_argument_group("which part of a table")
    which.add_argument("--rows", metavar="R,..", type=_names, default=[], help="see --list")
    which.add_argument("--tasks", metavar="T,..", type=_names, default=[], help="names or aliases")
    which.add_argument(
        "--seeds",
        metavar="N",
        type=int,
        help=f"runs of each cell ({SEEDS}, with --quick {QUICK_SEEDS} or, of many cells, 1)",
    )
    which.add_argument(
        "--learning-rates",
        metavar="X,..",
        type=_numbers,
        default=[],
        help="grid to search instead of the table's own; one number is taken as it is",
    )
    which.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="overrides",
        help="change a field of every recipe; no verdict is given then. Repeats",
    )


def _add_scale(made: argparse.ArgumentParser) -> None:
    scale = made.add_argument_group("at which scale")
    scale.add_argument(
        "--scale",
        metavar="paper|FRACTION",
        type=_scale,
        default="paper",
        help="of the paper's optimiser steps; below 1 no verdict is given",
    )
    scale.add_argument(
        "--quick", action="store_true", help="small models and few examples; no verdict"
    )
    scale.add_argument(
        "--synthetic", action="store_true", help="the tasks' tiny synthetic twins; no verdict"
    )


def _add_how(made: argparse.ArgumentParser) -> None:
    how = made.add_argument_group("how it is run")
    how.add_argument("--dry-run", action="store_true", help="cells, steps, hours; runs nothing")
    how.add_argument("--render", action="store_true", help="write the table from what has been run")
    how.add_argument(
        "--strict",
        action="store_true",
        help="exit code 6 where a verdict is BELOW, 5 where runs failed",
    )
    how.add_argument("--gpus-per-trial", metavar="X", type=float, help="a fraction shares a GPU")
    how.add_argument("--cpus-per-trial", metavar="N", type=int)
    how.add_argument("--max-concurrent", metavar="N", type=int)
    how.add_argument(
        "--lanes",
        metavar="N",
        type=lanes,
        help="runs of one shape trained side by side on one device, or auto",
    )
    how.add_argument("--address", metavar="ADDR", help="of a running Ray cluster, or auto")
    how.add_argument("--wandb", choices=("off", "offline", "online"), default="off")
    how.add_argument("--tensorboard", action="store_true")
    how.add_argument("--data-root", metavar="DIR", help="default $LRU_TUNE_DATA or ./data")
    how.add_argument("--runs-root", metavar="DIR", help="default $LRU_TUNE_RUNS or ./runs")


def _names(text: str) -> list[str]:
    """Split at commas that stand outside of brackets, so that `[0.9, 0.99]` stays one word."""
    return [name.strip() for name in re.split(r",(?![^\[(]*[\])])", text) if name.strip()]


def _numbers(text: str) -> list[float]:
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = [math.nan]
    if not all(0 < number < math.inf for number in numbers):
        raise argparse.ArgumentTypeError(f"positive numbers expected, got {text!r}")
    return numbers


def _scale(text: str) -> Scaled:
    if text == "paper":
        return "paper"
    try:
        fraction = float(text)
    except ValueError:
        fraction = 0.0
    if not 0 < fraction <= 1:
        raise argparse.ArgumentTypeError(f"paper or a number above 0 and up to 1, got {text!r}")
    return "paper" if fraction == 1 else fraction


def _table(arguments: argparse.Namespace, command: str) -> int:
    # pandas takes most of a second to import, too long for `--help`.
    from lru_tune.cli.reproduce import configurations
    from lru_tune.cli.reproduce import speed as speeds
    from lru_tune.cli.reproduce import table as accuracies
    from lru_tune.cli.reproduce.request import Request
    from lru_tune.paper.tables import find_table

    table = find_table(arguments.table)
    request = Request.of(table, arguments, _setting(arguments), _seeds(arguments, table), command)
    run, render, plan = {
        "accuracy": (
            accuracies.run_accuracies,
            accuracies.render_accuracies,
            accuracies.plan_accuracies,
        ),
        "speed": (speeds.run_speeds, speeds.render_speeds, speeds.plan_speeds),
        "configurations": (
            configurations.run_configurations,
            configurations.render_configurations,
            configurations.plan_configurations,
        ),
    }[table.kind]
    if arguments.dry_run:
        return plan(request, arguments)
    require_writable_runs(request.root)
    return render(request) if arguments.render else run(request, arguments)


def _setting(arguments: argparse.Namespace) -> Setting:
    if arguments.quick and arguments.scale != "paper":
        raise ConfigError("--quick and --scale are two ways to shorten runs; give one of them")
    return Setting(
        scale="quick" if arguments.quick else arguments.scale,
        synthetic=arguments.synthetic,
        overrides=tuple(arguments.overrides),
        rates=tuple(arguments.learning_rates),
    )


def _seeds(arguments: argparse.Namespace, table: PaperTable) -> int:
    """Return how many runs of each cell count; of many quick cells one, so that it stays quick."""
    if arguments.seeds is None:
        if not arguments.quick:
            return SEEDS
        rows, columns = choose_rows(table, arguments.rows), choose_columns(table, arguments.tasks)
        return QUICK_SEEDS if len(rows) * len(columns) <= MOST_QUICK_CELLS else 1
    if arguments.seeds < 1:
        raise ConfigError(f"--seeds must be at least 1, got {arguments.seeds}")
    return int(arguments.seeds)


def _command(argv: Sequence[str] | None) -> str:
    """Return the command line that does the same again."""
    door = ["python", "reproduce.py"] if argv is None else ["lru-tune", "reproduce"]
    return shlex.join([*door, *(sys.argv[1:] if argv is None else argv)])


def _list(_arguments: argparse.Namespace, _command: str) -> int:
    from lru_tune.figures import FIGURES
    from lru_tune.paper.tables import ONLINE, TABLES, find_table

    for name in (*map(str, TABLES), ONLINE):
        table = find_table(name)
        print(f"--table {name:<6} {table.title}")
        rows = [row.name for row in table.rows if row.variant is not None]
        print(f"            rows:  {', '.join(rows)}")
        print(f"            tasks: {', '.join(dict.fromkeys(c.task for c in table.columns))}")
    for name, figure in FIGURES.items():
        print(f"--figure {name}  {figure.title}")
    return 0


def _audit(arguments: argparse.Namespace, _command: str) -> int:
    from lru_tune.paper.audit import audit_lines

    for line in audit_lines(arguments.tasks):
        print(line)
    return 0


def _figure(arguments: argparse.Namespace, _command: str) -> int:
    from lru_tune.figures import run_figure
    from lru_tune.files.experiment_folder import REPRODUCTIONS_FOLDER

    folder = runs_root(arguments.runs_root) / REPRODUCTIONS_FOLDER / f"figure{arguments.figure}"
    require_writable_runs(folder)
    statements = run_figure(arguments.figure, folder, say)
    print(folder, flush=True)
    broken = [statement.text for statement in statements if not statement.holds]
    if arguments.strict and broken:
        raise VerdictBelow(f"does not hold: {'; '.join(broken)}")
    return 0


def _again(arguments: argparse.Namespace, _command: str) -> int:
    from lru_tune.cli.reproduce.result import run_again

    return run_again(arguments)


DOORS = {"list": _list, "audit": _audit, "figure": _figure, "origin": _again, "table": _table}
