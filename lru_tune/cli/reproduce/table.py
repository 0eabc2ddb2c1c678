"""`reproduce.py --table N` for a table of accuracies: plan, run, judge, write."""

import argparse
from collections.abc import Iterable, Sequence

from lru_tune.api.console import print_message
from lru_tune.cli.flags import resource_request
from lru_tune.cli.reproduce.data import known, prepare, states
from lru_tune.cli.reproduce.request import Request
from lru_tune.errors import Interrupted, NoTrialSucceeded, VerdictBelow
from lru_tune.paper.tables import Column, Row
from lru_tune.reproduction.cells import CellPlan, choose_rows, plan_cells
from lru_tune.reproduction.outcome import cell_result
from lru_tune.reproduction.store import Store
from lru_tune.reproduction.tables.accuracies import Judged, accuracy_table, judged
from lru_tune.reproduction.tables.result_table import ResultTable, print_table, write_table
from lru_tune.search.ray.resources import this_machine
from lru_tune.tasks import TASKS


def run_accuracies(request: Request, arguments: argparse.Namespace) -> int:
    """Run those of the chosen cells that have not ended; print and write the table.

    Raises:
      DataNotPrepared, DataDamaged, ResourcesMissing: before anything is run.
      Interrupted: the message holds the command that continues.
      NoTrialSucceeded, VerdictBelow: as `_end` says.
    """
    # Ray takes a second to import, and rendering does without it.
    from lru_tune.reproduction.engine import Options, run_cells

    for label in request.setting.labels:
        print_message(f"note: {label}")
    generated = [c.task for c in request.table.columns if TASKS[c.task].generated]
    reads = _reads(request.cells)
    store = Store(request.root, prepare(request.data, reads, generated, print_message))
    cells = _resolved(request.cells, store)
    options = Options(
        data_root=str(request.data.folder),
        address=arguments.address,
        requested=resource_request(arguments),
        wandb=arguments.wandb,
        tensorboard=arguments.tensorboard,
    )
    try:
        run_cells(cells, request.seeds, store, options, print_message)
    except (KeyboardInterrupt, Interrupted) as error:
        _write(request)
        raise Interrupted("cli.interrupted", command=request.command) from error
    return _end(request, _write(request))


def render_accuracies(request: Request) -> int:
    """Print and write the table from the runs that exist.

    Raises:
      NoTrialSucceeded, VerdictBelow: as `_end` says.
    """
    return _end(request, _write(request))


def plan_accuracies(request: Request, arguments: argparse.Namespace) -> int:
    """Print the chosen cells and what is left to do; writes nothing."""
    from lru_tune.reproduction.estimate import estimate
    from lru_tune.reproduction.tables.estimates import estimate_table

    store = Store(request.root, known(request.data, request.tasks, print_message))
    for line in states(request.data, _reads(request.cells)):
        print_message(line)
    machine = this_machine()
    cells = _resolved(request.cells, store)
    found = estimate(
        cells, request.seeds, store, machine, resource_request(arguments), print_message
    )
    print_table(estimate_table(request.table, list(found), request.setting, machine))
    print(request.folder, flush=True)
    return 0


def _reads(cells: Iterable[CellPlan]) -> dict[str, dict[str, int]]:
    """Return task -> how many examples of each split are read; all cells of a task read the same."""
    return {cell.config.task: cell.config.data.reads() for cell in reversed(list(cells))}


def _resolved(cells: Iterable[CellPlan], store: Store) -> list[CellPlan]:
    """Resolve the length of the cells whose data are known."""
    return [
        cell.with_length(store.data[cell.config.task].train_examples)
        if cell.config.task in store.data
        else cell
        for cell in cells
    ]


def _write(request: Request) -> list[Judged]:
    """Write the whole table from what has been run so far; show and return the chosen cells."""
    store = Store(request.root, known(request.data, request.tasks, print_message))
    whole = plan_cells(
        request.table, choose_rows(request.table, []), request.table.columns, request.setting
    )
    found = [
        judged(
            request.table,
            cell_result(cell, request.seeds, store),
            request.setting,
            store.data.get(cell.config.task),
        )
        for cell in _resolved(whole, store)
    ]
    used = {entry.result.cell.config.task for entry in found if entry.result.begun}
    data = {task: entry.fingerprint for task, entry in store.data.items() if task in used}

    def table(rows: Sequence[Row], columns: Sequence[Column]) -> ResultTable:
        facts = {**request.about(), "data": data}
        return accuracy_table(request.table, rows, columns, found, request.setting, facts)

    write_table(table(request.table.rows, request.table.columns), request.folder)
    published_only = [row for row in request.table.rows if row.variant is None]
    print_table(table([*request.rows, *published_only], request.columns))
    print(request.folder, flush=True)
    chosen = {(cell.row.name, cell.column.name) for cell in request.cells}
    return [j for j in found if (j.result.cell.row.name, j.result.cell.column.name) in chosen]


def _end(request: Request, found: Sequence[Judged]) -> int:
    """Turn what was found into an exit code.

    Raises:
      NoTrialSucceeded: all that has been run diverged or failed; with --strict also where some failed.
      VerdictBelow: with --strict.
    """
    results = [entry.result for entry in found]
    failed = [str(r.cell) for r in results if r.failed]
    ended = any(r.begun for r in results)
    # Some cells do not train in the paper either: if they diverge, that is reproduced.
    as_published = any(
        e.published is not None and e.published.at_chance and e.result.diverged for e in found
    )
    if ended and not as_published and not any(r.completed for r in results):
        raise NoTrialSucceeded("cli.no-run-succeeded", folder=request.root)
    if request.strict and failed:
        raise NoTrialSucceeded("cli.runs-failed", cells="; ".join(failed), folder=request.root)
    below = [str(e.result.cell) for e in found if e.verdict and e.verdict.outcome == "BELOW"]
    if request.strict and below:
        raise VerdictBelow("cli.below", cells="; ".join(below))
    return 0
