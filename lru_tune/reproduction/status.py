"""The status of the reproductions under a runs root, read from their files only."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from lru_tune.errors import ConfigError
from lru_tune.files.experiment_folder import (
    REPRODUCTION_FILE,
    REPRODUCTIONS_FOLDER,
    RUNS_FOLDER,
    activity,
)
from lru_tune.files.folder_lock import is_locked
from lru_tune.files.run_directory import VAL_ACCURACY
from lru_tune.reproduction.workload import count_ended, read_workload
from lru_tune.search.status import Stage, State, Status, mark_interrupted, read_runs


def is_reproduction(folder: Path) -> bool:
    """Return whether a folder holds all reproductions, or one of their tables."""
    return folder.name == REPRODUCTIONS_FOLDER or folder.parent.name == REPRODUCTIONS_FOLDER


def reproduction_status(folder: Path) -> Status:
    """Return the status of the runs of all tables, and the verdicts of the tables written so far.

    Tables share their runs, so the runs are those of the whole store. The time left assumes that the
    remaining runs of the running command take as long as those it has ended.

    Args:
      folder: of all reproductions, or of one table.

    Raises:
      ConfigError: the folder holds no runs and no tables, or a table's JSON file is damaged.
    """
    root = folder if folder.name == REPRODUCTIONS_FOLDER else folder.parent
    tables = sorted(
        folder.rglob(REPRODUCTION_FILE) if folder != root else root.glob(f"*/{REPRODUCTION_FILE}")
    )
    found = read_runs(sorted((root / RUNS_FOLDER).glob("[!.]*")), VAL_ACCURACY, "max")
    if not folder.is_dir() or not (found or tables):
        raise ConfigError("reproduction.nothing-run", folder=folder)
    has_open_runs = any(run.status in ("running", "interrupted") for run in found)
    state: State = activity(root) if has_open_runs or is_locked(root) else "completed"
    workload = read_workload(root) if state == "running" else None
    ended = count_ended(root)
    notes = [line for table in tables for line in _table(table)]
    if state == "interrupted":
        notes.append("type the same `reproduce` command again to continue")
    return Status(
        folder=folder,
        kind="reproduction",
        state=state,
        about=f"tables written: {len(tables)}" if folder == root else folder.name,
        metric=VAL_ACCURACY,
        stages=(
            Stage(
                "runs",
                mark_interrupted(found, state),
                workload and max(ended, workload.ended + workload.runs),
            ),
        ),
        seconds_left=workload and workload.seconds_left(ended, time.time()),
        notes=tuple(notes),
    )


def _table(path: Path) -> list[str]:
    """Return a line with the verdicts of a table."""
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        where = {"file": str(path), "line": error.lineno}
        raise ConfigError("files.not-json", reason=error.msg, **where) from error
    verdicts = Counter(cell["verdict"] for cell in content["cells"] if cell.get("verdict"))
    words = ", ".join(f"{count} {word}" for word, count in verdicts.most_common())
    return [f"{path.parent.name}: {words or 'no verdicts'} ({content['title']})"]
