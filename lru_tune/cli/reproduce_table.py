"""`reproduce.py --table N` for a table of accuracies: plan, run, judge, write."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lru_tune import __version__
from lru_tune.data.manifest import SYNTHETIC_FOLDER
from lru_tune.data.store import PreparedTask, open_task
from lru_tune.errors import DataNotPrepared, Interrupted, NoTrialSucceeded, VerdictBelow
from lru_tune.layout import data_root, runs_root
from lru_tune.paper.tables import Column, PaperTable, Row
from lru_tune.reproduction.accuracy_sheet import Judged, accuracy_sheet, judged
from lru_tune.reproduction.cells import CellPlan, choose_columns, choose_rows, plan_cells
from lru_tune.reproduction.outcome import cell_result
from lru_tune.reproduction.setting import Setting
from lru_tune.reproduction.sheet import Sheet, show, write_sheet
from lru_tune.reproduction.store import FOLDER, Store, TaskData
from lru_tune.search.resources import Wishes, this_machine
from lru_tune.tasks import TASKS

Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes:
      rows, columns: of the table, to be run or shown.
      seeds: runs of each cell that count.
      command: that does the same again.
      strict: whether failures and verdicts BELOW are errors.
    """

    table: PaperTable
    rows: list[Row]
    columns: list[Column]
    setting: Setting
    seeds: int
    command: str
    strict: bool
    data_root: Path
    runs_root: Path
    synthetic: bool

    @classmethod
    def of(
        cls,
        table: PaperTable,
        arguments: argparse.Namespace,
        setting: Setting,
        seeds: int,
        command: str,
    ) -> "Request":
        """Return what parsed arguments ask of a table.

        Raises:
          ConfigError: a row or task that the table does not have.
        """
        return cls(
            table=table,
            rows=choose_rows(table, arguments.rows),
            columns=choose_columns(table, arguments.tasks),
            setting=setting,
            seeds=seeds,
            command=command,
            strict=arguments.strict,
            data_root=data_root(arguments.data_root),
            runs_root=runs_root(arguments.runs_root),
            synthetic=arguments.synthetic,
        )

    @property
    def cells(self) -> list[CellPlan]:
        """The chosen cells; lengths are not resolved."""
        return plan_cells(self.table, self.rows, self.columns, self.setting)

    @property
    def root(self) -> Path:
        """Folder of all reproductions."""
        return self.runs_root / FOLDER

    @property
    def folder(self) -> Path:
        """Folder of the table's files."""
        return self.root / f"table{self.table.number}{self.setting.suffix}"

    @property
    def place(self) -> Path:
        """Folder of the prepared tasks."""
        return self.data_root / SYNTHETIC_FOLDER if self.synthetic else self.data_root


def run_accuracies(request: Request, arguments: argparse.Namespace) -> int:
    """Run the chosen cells as far as they are not done; print and write the table.

    Raises:
      DataNotPrepared, Interrupted, NoTrialSucceeded, VerdictBelow, ...: as they say.
    """
    # Ray and pandas take seconds to import.
    from lru_tune.reproduction.engine import Options, run_cells

    for label in request.setting.labels:
        _say(f"note: {label}")
    store = Store(request.root, _prepare(request))
    cells = _resolved(request.cells, store)
    options = Options(
        data_root=str(request.place),
        address=arguments.address,
        wishes=wishes(arguments),
        wandb=arguments.wandb,
        tensorboard=arguments.tensorboard,
    )
    try:
        run_cells(cells, request.seeds, store, options, _say)
    except (KeyboardInterrupt, Interrupted) as error:
        raise Interrupted(f"{error or 'interrupted'}. Go on with:  {request.command}") from error
    finally:
        found = _write(request)
    return _end(request, found)


def render_accuracies(request: Request) -> int:
    """Print and write the table from the runs that are there.

    Raises:
      VerdictBelow: with --strict.
    """
    return _end(request, _write(request))


def plan_accuracies(request: Request, arguments: argparse.Namespace) -> int:
    """Print the chosen cells and what is left to do; writes nothing."""
    from lru_tune.reproduction.estimate import estimate
    from lru_tune.reproduction.estimate_sheet import estimate_sheet

    store = Store(request.root, _known_data(request))
    for line in _states_of_data(request):
        _say(line)
    machine = this_machine()
    cells = _resolved(request.cells, store)
    found = estimate(cells, request.seeds, store, machine, wishes(arguments), _say)
    show(estimate_sheet(request.table, list(found), request.setting, machine))
    print(request.folder, flush=True)
    return 0


def wishes(arguments: argparse.Namespace) -> Wishes:
    """Return the resources asked for on the command line."""
    return Wishes(arguments.gpus_per_trial, arguments.cpus_per_trial, arguments.max_concurrent)


def about(request: Request) -> dict[str, Any]:
    """Return what every reproduction.json says of itself."""
    return {
        "table": request.table.number,
        "source": request.table.source,
        "scale": request.setting.scale,
        "synthetic": request.synthetic,
        "overrides": list(request.setting.overrides),
        "seeds": request.seeds,
        "command": request.command,
        "written": datetime.now().astimezone().isoformat(timespec="seconds"),
        "version": __version__,
    }


def _prepare(request: Request) -> dict[str, TaskData]:
    """Open the tasks of the chosen cells, preparing those that need no download.

    Raises:
      DataNotPrepared: names every task that is missing.
    """
    from data_prep import ensure_prepared, expected_counts

    missing, there = [], {}
    for task, cell in _by_task(request.cells).items():
        reads = cell.config.data.reads()
        try:
            expected_counts(task, request.data_root, synthetic=request.synthetic, reads=reads)
        except DataNotPrepared as error:
            missing.append(str(error))
        else:
            there[task] = reads
    if missing:
        others = [*there, *(c.task for c in request.table.columns if TASKS[c.task].generated)]
        hint = f"Or run the others alone:  --tasks {','.join(dict.fromkeys(others))}"
        raise DataNotPrepared("\n".join([*missing, *([hint] if others else [])]))
    return {
        task: _task_data(
            ensure_prepared(
                task, request.data_root, synthetic=request.synthetic, reads=reads, log=_say
            )
        )
        for task, reads in there.items()
    }


def _known_data(request: Request) -> dict[str, TaskData]:
    """Open those tasks of the table that lie there; prepares nothing."""
    found = {}
    for column in request.table.columns:
        try:
            found[column.task] = _task_data(open_task(column.task, request.place))
        except DataNotPrepared:
            continue
    return found


def _task_data(prepared: PreparedTask) -> TaskData:
    from data_prep import full_counts

    manifest = prepared.manifest
    counts, full = manifest.counts, full_counts(manifest.task)
    fewer = [split for split in counts if counts[split] < full[split]]
    shortfall = ", ".join(
        f"{counts[split]:,} of {full[split]:,} {split} examples" for split in fewer
    )
    if manifest.synthetic:
        shortfall = "synthetic data"
    return TaskData(manifest.fingerprint, manifest.chance, counts["train"], shortfall)


def _by_task(cells: Iterable[CellPlan]) -> dict[str, CellPlan]:
    """Return one cell of each task."""
    return {cell.config.task: cell for cell in reversed(list(cells))}


def _resolved(cells: Iterable[CellPlan], store: Store) -> list[CellPlan]:
    """Resolve the length of the cells whose data are there."""
    return [
        cell.with_length(store.data[cell.config.task].train_examples)
        if cell.config.task in store.data
        else cell
        for cell in cells
    ]


def _write(request: Request) -> list[Judged]:
    """Write the whole table from what has been run so far; show and return the chosen cells."""
    store = Store(request.root, _known_data(request))
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
    data = {task: entry.fingerprint for task, entry in store.data.items()}

    def sheet(rows: Sequence[Row], columns: Sequence[Column]) -> Sheet:
        facts = {**about(request), "data": data}
        return accuracy_sheet(request.table, rows, columns, found, request.setting, facts)

    write_sheet(sheet(request.table.rows, request.table.columns), request.folder)
    published_only = [row for row in request.table.rows if row.variant is None]
    show(sheet([*request.rows, *published_only], request.columns))
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
    ended = any(r.accuracies or r.failed or r.none_trained for r in results)
    if ended and not any(r.completed for r in results):
        raise NoTrialSucceeded(f"no run of the chosen cells succeeded; see {request.root}")
    if request.strict and failed:
        raise NoTrialSucceeded(f"runs failed: {'; '.join(failed)}; see {request.root}")
    below = [str(e.result.cell) for e in found if e.verdict and e.verdict.outcome == "BELOW"]
    if request.strict and below:
        raise VerdictBelow(f"below the published number: {'; '.join(below)}")
    return 0


def _states_of_data(request: Request) -> list[str]:
    """Return a line for each task of the chosen cells: prepared, or what would be done."""
    from data_prep import expected_counts

    lines = []
    for task, cell in _by_task(request.cells).items():
        reads = cell.config.data.reads()
        state = "in" if (request.place / task).is_dir() else "will be prepared in"
        try:
            counts = expected_counts(
                task, request.data_root, synthetic=request.synthetic, reads=reads
            )
        except DataNotPrepared as error:
            lines.append(f"data          {error}")
            continue
        told = ", ".join(f"{n:,} {split}" for split, n in counts.items())
        lines.append(f"data          {state} {request.place / task}: {told}")
    return lines


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
