"""The table of `list`: every task, its size, licence, state and source."""

from pathlib import Path

from data_prep.preparation import ORIGINS
from lru_tune.data.manifest import SPLITS
from lru_tune.data.store import open_task
from lru_tune.errors import DataDamaged, DataNotPrepared
from lru_tune.tasks import TASKS

COLUMNS = ("TASK", "STATE", "SIZE", "LICENCE", "SOURCE")
NOTHING = "-"
PREPARED = "prepared: "  # how the state of a task that is prepared starts


def table(root: Path) -> list[str]:
    """Return the lines of a table of all tasks; `root` is the data root, or that of synthetic twins.

    The source, which is the longest, comes last, so that a narrow terminal wraps only that.
    """
    rows = [COLUMNS]
    for task in TASKS.values():
        origin = ORIGINS.get(task.origin)
        about = (origin.size, origin.licence, origin.source) if origin else (NOTHING,) * 3
        rows.append((task.name, state(task.name, root), *about))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def state(task: str, root: Path) -> str:
    """Return whether a task is prepared, with its examples in train, val and test."""
    try:
        counts = open_task(task, root).manifest.counts
    except DataNotPrepared:
        return "not prepared"
    except DataDamaged:
        return "damaged"
    return PREPARED + " / ".join(f"{counts[split]:,}" for split in SPLITS)
