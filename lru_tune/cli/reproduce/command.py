"""`reproduce.py`, `lru-tune reproduce`: run a paper's tables and figures again and judge the results."""

import argparse
import shlex
import sys
from collections.abc import Sequence

from lru_tune.api.arguments import check_wandb
from lru_tune.api.console import print_message
from lru_tune.cli.reproduce.flags import PROG, parser
from lru_tune.errors import ConfigError, VerdictBelow
from lru_tune.files.paths import require_writable_runs, runs_root
from lru_tune.paper.tables import PaperTable
from lru_tune.reproduction.cells import choose_columns, choose_rows
from lru_tune.reproduction.scale import Setting

__all__ = ["main", "parser"]

SEEDS = 3  # the paper's number
QUICK_SEEDS = 2
MOST_QUICK_CELLS = 20  # with more cells, --quick runs one seed


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Run the command; the last line on stdout is the folder or file that was written.

    Raises:
      LruTuneError: `lru_tune.cli.guard` turns it into an exit code.
    """
    arguments = parser(prog).parse_args(argv)
    check_wandb(arguments.wandb)
    given = ((name, getattr(arguments, name)) for name in ACTIONS)
    asked = [name for name, value in given if value is not None and value is not False]
    if len(asked) != 1:
        raise ConfigError("cli.nothing-to-reproduce")
    words = sys.argv[1:] if argv is None else argv
    program = ["python", prog] if prog.endswith(".py") else prog.split()
    return ACTIONS[asked[0]](arguments, shlex.join([*program, *words]))


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
        raise ConfigError("cli.quick-and-scale")
    return Setting(
        scale="quick" if arguments.quick else arguments.scale,
        synthetic=arguments.synthetic,
        overrides=tuple(arguments.overrides),
        rates=tuple(arguments.learning_rates),
    )


def _seeds(arguments: argparse.Namespace, table: PaperTable) -> int:
    """Return the number of seeds: with --quick fewer, and one where there are many cells."""
    if arguments.seeds is None:
        if not arguments.quick:
            return SEEDS
        rows, columns = choose_rows(table, arguments.rows), choose_columns(table, arguments.tasks)
        return QUICK_SEEDS if len(rows) * len(columns) <= MOST_QUICK_CELLS else 1
    if arguments.seeds < 1:
        raise ConfigError("api.too-small", name="--seeds", least=1, value=arguments.seeds)
    return int(arguments.seeds)


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
    statements = run_figure(arguments.figure, folder, print_message)
    print(folder, flush=True)
    broken = [statement.text for statement in statements if not statement.holds]
    if arguments.strict and broken:
        raise VerdictBelow("cli.statement-fails", statements="; ".join(broken))
    return 0


def _again(arguments: argparse.Namespace, _command: str) -> int:
    from lru_tune.cli.reproduce.result import run_again

    return run_again(arguments)


ACTIONS = {"list": _list, "audit": _audit, "figure": _figure, "origin": _again, "table": _table}
