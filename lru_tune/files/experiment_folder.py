"""The folders of searches and reproductions, as far as they are read wherever these are looked at.

<runs root>/<experiment>/
space.yaml                the search space as it was run
experiment.json           status, command, seeds, versions, device, data (`lru_tune.search.record`)
trials/<run>/             run directories of the search, see `lru_tune.files.run_directory`
confirm/<run>/            likewise of the confirmation
<runs root>/reproductions/
runs/<run>/               likewise of all tables
<table>/reproduction.json    a table's cells (`lru_tune.reproduction.sheets.sheet`)
"""

import json
from pathlib import Path
from typing import Any

from lru_tune.errors import ConfigError

EXPERIMENT_FILE = "experiment.json"
SPACE_FILE = "space.yaml"
TRIALS_FOLDER = "trials"
CONFIRM_FOLDER = "confirm"
REPRODUCTIONS_FOLDER = "reproductions"
RUNS_FOLDER = "runs"
REPRODUCTION_FILE = "reproduction.json"
REQUIRED = ("status", "task", "variant")


def read_experiment(folder: Path) -> dict[str, Any]:
    """Return the content of experiment.json.

    Raises:
      ConfigError: the folder is no experiment, or its experiment.json is damaged.
    """
    path = folder / EXPERIMENT_FILE
    if not path.is_file():
        raise ConfigError(
            f"{folder} is no experiment: {EXPERIMENT_FILE} is missing. Give the folder that `tune.py` "
            "printed as its last line"
        )
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
    if missing := [name for name in REQUIRED if name not in content]:
        raise ConfigError(f"{path}: lacks {', '.join(missing)}")
    return content
