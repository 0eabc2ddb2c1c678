"""The table of `list`: every task, its size, licence, state and source."""

from pathlib import Path

from rich.table import Table

from data_prep.prepare import ORIGINS
from lru_tune.data.manifest import SPLITS
from lru_tune.data.store import open_task
from lru_tune.errors import DataDamaged, DataNotPrepared
from lru_tune.tasks import TASKS

COLUMNS = ("TASK", "STATE", "SIZE", "LICENCE", "SOURCE")
WHOLE = ("TASK", "STATE")
NOTHING = "-"
PREPARED = "prepared: "  # how the state of a task that is prepared starts


def table(root: Path) -> Table:
    """Return a table of all tasks; `root` is the data root, or that of synthetic twins.

    Names and states stay whole; on a narrow terminal the other columns fold.
    """
    shown = Table(box=None, pad_edge=False, header_style="")
    for column in COLUMNS:
        shown.add_column(column, no_wrap=column in WHOLE, overflow="fold")
    for task in TASKS.values():
        origin = ORIGINS.get(task.origin)
        about = (origin.size, origin.licence, origin.source) if origin else (NOTHING,) * 3
        shown.add_row(task.name, state(task.name, root), *about)
    return shown


def state(task: str, root: Path) -> str:
    """Return whether a task is prepared, with its examples in train, val and test."""
    try:
        manifest = open_task(task, root).manifest
    except DataNotPrepared:
        return "not prepared"
    except DataDamaged:
        return "damaged"
    counts = " / ".join(f"{manifest.counts[split]:,}" for split in SPLITS)
    protocol = f" ({manifest.protocol})" if manifest.protocol_stamp else ""
    return f"{PREPARED}{counts}{protocol}"
