"""`reproduce.py --table N` for the table of speeds, which trains nothing."""

import argparse

from lru_tune.api.console import print_message
from lru_tune.cli.reproduce.request import Request
from lru_tune.errors import Interrupted, NoTrialSucceeded
from lru_tune.reproduction.cells import choose_columns, choose_rows, plan_cells
from lru_tune.reproduction.tables.result_table import print_table, write_table
from lru_tune.reproduction.tables.speeds import Records, read_speeds, speed_record, speed_table
from lru_tune.search.ray.resources import this_machine


def run_speeds(request: Request, arguments: argparse.Namespace) -> int:
    """Measure the chosen cells one after the other; print and write the table after each.

    Cells measured before stay in it as long as their configuration is the same.

    Raises:
      Interrupted: the cells measured so far are written.
      NoTrialSucceeded: none of the chosen cells could be measured.
    """
    from lru_tune.training.speed import measure_speeds

    cells = request.cells
    cpus = arguments.cpus_per_trial or this_machine().cpus
    found = _before(request)
    configs = [cell.config for cell in cells]
    try:
        for number, speed in enumerate(measure_speeds(configs, cpus=cpus)):
            cell = cells[number]
            found[cell.row.name, cell.column.name] = speed_record(request.table, cell, speed)
            rate = speed.steps_per_second
            print_message(f"{cell}: " + (f"{rate:.3g} steps/s" if rate else speed.problem))
            _write(request, found)
    except KeyboardInterrupt as error:
        raise Interrupted("cli.interrupted", command=request.command) from error
    render_speeds(request)
    keys = [(cell.row.name, cell.column.name) for cell in cells]
    if not any(found[key]["steps_per_second"] for key in keys):
        raise NoTrialSucceeded("cli.nothing-measured", folder=request.folder)
    return 0


def render_speeds(request: Request) -> int:
    """Print and write the table from what was measured before."""
    found = _before(request)
    _write(request, found)
    print_table(speed_table(request.table, request.cells, found, request.setting, request.about()))
    print(request.folder, flush=True)
    return 0


def plan_speeds(request: Request, _arguments: argparse.Namespace) -> int:
    """Print what would be measured, and for how long at most."""
    from lru_tune.training.speed import MOST_SECONDS, SECONDS

    found = _before(request)
    print_table(speed_table(request.table, request.cells, found, request.setting, request.about()))
    count = len(request.cells)
    print_message(
        f"{count} cells would be measured, each for about {SECONDS:.0f} s after its compilation and for "
        f"at most {MOST_SECONDS / 60:.0f} min; nothing is trained"
    )
    print(request.folder, flush=True)
    return 0


def _before(request: Request) -> Records:
    table = request.table
    rows, columns = choose_rows(table, []), choose_columns(table, [])
    return read_speeds(request.folder, plan_cells(table, rows, columns, request.setting))


def _write(request: Request, found: Records) -> None:
    table = request.table
    cells = plan_cells(table, choose_rows(table, []), table.columns, request.setting)
    write_table(speed_table(table, cells, found, request.setting, request.about()), request.folder)
