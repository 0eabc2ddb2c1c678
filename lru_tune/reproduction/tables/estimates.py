"""The table of a dry run: cells, steps and hours."""

from collections.abc import Sequence

from lru_tune.paper.tables import PaperTable
from lru_tune.reproduction.estimate import Estimate
from lru_tune.reproduction.scale import Setting
from lru_tune.reproduction.tables.latex import Block
from lru_tune.reproduction.tables.result_table import ResultTable
from lru_tune.search.ray.resources import Machine

HEADER = (
    "row",
    "task",
    "steps a run",
    "runs for the learning rate",
    "runs with fresh seeds",
    "steps/s",
    "time",
)
UNKNOWN = "unknown"


def estimate_table(
    table: PaperTable, found: Sequence[Estimate], setting: Setting, machine: Machine
) -> ResultTable:
    """Return the work left in some cells of a table, and how long it takes on this machine."""
    runs = sum(cell.rate_runs + cell.seed_runs for cell in found)
    steps = sum(cell.steps * (cell.rate_runs + cell.seed_runs) for cell in found)
    known = [cell.hours for cell in found if cell.hours is not None]
    time = _hours(sum(known)) if known or not found else f"{UNKNOWN} time"
    notes = [
        f"{runs} runs, {steps:,} steps, {time} on this machine ({machine})"
        + f", {len(found) - len(known)} of {len(found)} cells left out" * (len(known) < len(found))
        + ".",
        "Evaluation and compilation are not included. Equal cells share their runs. Searches for a learning "
        "rate are counted in full, although weak rates are stopped early.",
    ]
    problems = [f"{c.cell}: {c.speed.problem}." for c in found if c.speed and c.speed.problem]
    return ResultTable(
        title=f"{table.heading}, to be run: {table.title}",
        labels=setting.labels,
        blocks=(Block("What is left to do", HEADER, [_line(cell) for cell in found]),),
        notes=(*notes, *problems),
        records=[],
    )


def _line(found: Estimate) -> list[str]:
    speed = found.speed
    rate = speed.steps_per_second if speed else None
    return [
        found.cell.row.name,
        found.cell.column.name,
        f"{found.steps:,}",
        f"{found.rate_runs}",
        f"{found.seed_runs}",
        ("-" if speed is None else UNKNOWN) if rate is None else f"{rate:.3g}",
        UNKNOWN if found.hours is None else _hours(found.hours),
    ]


def _hours(hours: float) -> str:
    return f"{60 * hours:.1f} min" if hours < 1 else f"{hours:,.1f} h"
