"""The folders of searches and reproductions, as far as they are read wherever these are looked at.

<runs root>/<experiment>/
space.yaml                the search space as it was run
experiment.json           status, command, seeds, versions, device, data (`lru_tune.search.record`)
trials/<run>/             run directories of the search, see `lru_tune.files.run_directory`
confirm/<run>/            likewise of the confirmation
<runs root>/reproductions/
runs/<run>/               likewise of all tables
<table>/reproduction.json    a table's cells (`lru_tune.reproduction.tables.result_table`)
"""

import json
import platform
import time
from pathlib import Path
from typing import Any, Literal

from lru_tune.errors import ConfigError
from lru_tune.files.folder_lock import is_locked
from lru_tune.files.run_directory import CHECKPOINT_FOLDER

EXPERIMENT_FILE = "experiment.json"
SPACE_FILE = "space.yaml"
TRIALS_FOLDER = "trials"
CONFIRM_FOLDER = "confirm"
REPRODUCTIONS_FOLDER = "reproductions"
RUNS_FOLDER = "runs"
REPRODUCTION_FILE = "reproduction.json"
REQUIRED = ("status", "task", "variant")
# A run writes a report or a checkpoint at least every five minutes.
SILENT_SECONDS = 900.0

Activity = Literal["running", "silent", "interrupted"]


def read_experiment(folder: Path) -> dict[str, Any]:
    """Return the content of experiment.json.

    Raises:
      ConfigError: the folder is no experiment, or its experiment.json is damaged.
    """
    path = folder / EXPERIMENT_FILE
    if not path.is_file():
        raise ConfigError("files.not-an-experiment", folder=folder, name=EXPERIMENT_FILE)
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        place = {"file": str(path), "line": error.lineno}
        raise ConfigError("files.not-json", reason=error.msg, **place) from error
    if missing := [name for name in REQUIRED if name not in content]:
        raise ConfigError("files.missing-entries", file=str(path), names=", ".join(missing))
    return content


def activity(folder: Path) -> Activity:
    """Return whether a process works in the folder of a search, of all reproductions or of a single run.

    The lock of the folder decides. Where there is none, or the search was started on another machine, whose
    lock may not be visible here, the age of the run directories decides.

    Returns:
      `running`, `interrupted`, or `silent`: the process ran on another machine, and no run directory has
      changed for SILENT_SECONDS. Runs without result.json are `running` only where this is `running`.

    Raises:
      ConfigError: experiment.json is damaged.
    """
    record: dict[str, Any] = {"status": "running"}
    if (folder / EXPERIMENT_FILE).is_file():
        record = read_experiment(folder)
    if record["status"] != "running":
        return "interrupted"
    locked = is_locked(folder)
    elsewhere = record.get("process", {}).get("host", platform.node()) != platform.node()
    if locked or ((locked is None or elsewhere) and seconds_silent(folder) <= SILENT_SECONDS):
        return "running"
    return "silent" if elsewhere else "interrupted"


def working_folder(run: Path) -> Path:
    """Return the folder whose lock a process holds that works on a run; a single run is its own."""
    stage, parent = run.parent.name, run.parent.parent
    if stage in (TRIALS_FOLDER, CONFIRM_FOLDER):
        return parent
    return parent if (stage, parent.name) == (RUNS_FOLDER, REPRODUCTIONS_FOLDER) else run


def seconds_silent(folder: Path) -> float:
    """Return the seconds since a run directory in a folder changed, or the folder itself if it has none."""
    stages = (TRIALS_FOLDER, CONFIRM_FOLDER, RUNS_FOLDER)
    found = [run for stage in stages for run in (folder / stage).glob("[!.]*") if run.is_dir()]
    places = [p for run in found or [folder] for p in (run, run / CHECKPOINT_FOLDER) if p.is_dir()]
    return max(0.0, time.time() - max((p.stat().st_mtime for p in places), default=0.0))
