"""The table of `list`: every task, its state, size, licence and source."""

from pathlib import Path

from rich.table import Table

from data_prep.origins import origin_of
from lru_tune.data.manifest import SPLITS
from lru_tune.data.store import open_task
from lru_tune.errors import DataDamaged, DataNotPrepared
from lru_tune.tasks import TASKS

COLUMNS = ("TASK", "STATE", "SIZE", "LICENCE", "SOURCE")
WHOLE = ("TASK", "STATE")  # the other columns are wrapped on a narrow terminal
PREPARED = "prepared: "  # start of the state of a prepared task


def table(root: Path) -> Table:
    """Return a table of all tasks; `root` is the data root, or that of the synthetic twins."""
    shown = Table(box=None, pad_edge=False, header_style="")
    for column in COLUMNS:
        shown.add_column(column, no_wrap=column in WHOLE, overflow="fold")
    for task in TASKS.values():
        origin = origin_of(task)
        shown.add_row(task.name, state(task.name, root), origin.size, origin.licence, origin.source)
    return shown


def state(task: str, root: Path) -> str:
    """Return whether a task is prepared, with its numbers of train, val and test examples."""
    try:
        manifest = open_task(task, root).manifest
    except DataNotPrepared:
        return "not prepared"
    except DataDamaged:
        return "damaged"
    counts = " / ".join(f"{manifest.counts[split]:,}" for split in SPLITS)
    protocol = f" ({manifest.protocol})" if manifest.protocol_stamp else ""
    return f"{PREPARED}{counts}{protocol}"
