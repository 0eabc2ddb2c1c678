"""How the reproductions under a runs root stand, read from their files alone."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from lru_tune.errors import ConfigError
from lru_tune.files.experiment_folder import REPRODUCTION_FILE, REPRODUCTIONS_FOLDER, RUNS_FOLDER
from lru_tune.files.run_directory import SILENT_SECONDS, VAL_ACCURACY
from lru_tune.reproduction.agenda import count_ended, read_agenda
from lru_tune.search.status import Stage, State, Status, read_runs, settle


def is_reproduction(folder: Path) -> bool:
    """Return whether a folder is that of all reproductions, or of one table of them."""
    return folder.name == REPRODUCTIONS_FOLDER or folder.parent.name == REPRODUCTIONS_FOLDER


def reproduction_status(folder: Path) -> Status:
    """Return how the runs of all tables stand, and what the tables that were written say.

    Tables share their runs, so that the runs are those of the whole store. The time left is that of the
    command at work, as long as each of its remaining runs takes as much time as those it has ended.

    Args:
      folder: of all reproductions, or of one table.

    Raises:
      ConfigError: there is nothing in it, or a table's JSON file is damaged.
    """
    root = folder if folder.name == REPRODUCTIONS_FOLDER else folder.parent
    tables = sorted(
        folder.rglob(REPRODUCTION_FILE) if folder != root else root.glob(f"*/{REPRODUCTION_FILE}")
    )
    found = read_runs(sorted((root / RUNS_FOLDER).glob("[!.]*")), VAL_ACCURACY, "max")
    if not folder.is_dir() or not (found or tables):
        raise ConfigError(f"{folder}: no reproduction here; nothing has been run yet")
    live = [run for run in found if run.silent is not None and run.silent <= SILENT_SECONDS]
    open_runs = [run for run in found if run.status in ("running", "interrupted")]
    state: State = "running" if live else "interrupted" if open_runs else "completed"
    agenda = read_agenda(root) if state == "running" else None
    ended = count_ended(root)
    notes = [line for table in tables for line in _table(table)]
    if state == "interrupted":
        notes.append("the same `reproduce` command goes on where it stopped")
    return Status(
        folder=folder,
        kind="reproduction",
        state=state,
        about=f"tables written: {len(tables)}" if folder == root else folder.name,
        metric=VAL_ACCURACY,
        stages=(
            Stage("runs", settle(found, state), agenda and max(ended, agenda.ended + agenda.runs)),
        ),
        seconds_left=agenda and agenda.seconds_left(ended, time.time()),
        notes=tuple(notes),
    )


def _table(path: Path) -> list[str]:
    """Return a line on what a table says."""
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
    verdicts = Counter(cell["verdict"] for cell in content["cells"] if cell.get("verdict"))
    words = ", ".join(f"{count} {word}" for word, count in verdicts.most_common())
    return [f"{path.parent.name}: {words or 'no verdicts'} ({content['title']})"]
