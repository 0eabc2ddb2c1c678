"""The folder of reproductions: runs are addressed by their configuration and data; tables refer to them.

    <runs root>/reproductions/
      runs/<task>-<variant>-<key>/     a run directory; the key hashes configuration (with seed) and data
      recipes/<task>-<variant>-<key>.yaml    a cell's configuration with the learning rate found for it
      data/<task>.json                 fingerprint, chance level and size of the data that the runs used
      agenda.json                      the work of the last command, for `lru-tune status`
      table1/, table1-quick/, ...      reproduction.json, table.md, table.csv, table.tex

Tables that share a cell share its runs, no run is made twice, and seeds can be added at any time.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from lru_tune.config.schema import RunConfig
from lru_tune.errors import DataDamaged
from lru_tune.files.atomic import write_atomically
from lru_tune.files.experiment_folder import RUNS_FOLDER

RECIPES, DATA = "recipes", "data"
FORMAT_VERSION = 1


class TaskData(NamedTuple):
    """The properties of a prepared task that a reproduction needs.

    Attributes:
      fingerprint: of its arrays.
      chance: accuracy of always predicting the most frequent class, in [0, 1].
      train_examples: size of the training split.
      shortfall: why results on it cannot be compared with the paper; "" if they can.
    """

    fingerprint: str
    chance: float
    train_examples: int
    shortfall: str = ""


def remember_data(root: Path, task: str, data: TaskData) -> None:
    """Write the properties of a task's data, so that a table can be rendered without the data.

    Args:
      root: folder of all reproductions.
      task: name of the task, or `synthetic/<task>`.
      data: its properties.
    """
    content = {"format_version": FORMAT_VERSION, **data._asdict()}
    write_atomically(root / DATA / f"{task}.json", json.dumps(content, indent=2) + "\n")


def remembered_data(root: Path, task: str) -> TaskData | None:
    """Return what `remember_data` wrote; None if it wrote nothing.

    Raises:
      DataDamaged: the file cannot be read.
    """
    file = root / DATA / f"{task}.json"
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text())
        return TaskData(**{name: content[name] for name in TaskData._fields})
    except (ValueError, KeyError) as error:
        reason = repr(error)
        raise DataDamaged("reproduction.damaged-data", reason=reason, file=str(file)) from error


class Store(NamedTuple):
    """The folder of all reproductions.

    Attributes:
      root: absolute.
      data: task -> its prepared data; tasks that are not prepared have no entry and no runs.
    """

    root: Path
    data: Mapping[str, TaskData]

    def run_dir(self, config: RunConfig) -> Path:
        """Return the run directory of a configuration; its number of steps must be resolved."""
        return self.root / RUNS_FOLDER / self._name(config, config.fingerprint())

    def recipe_file(self, config: RunConfig, rates: tuple[float, ...]) -> Path:
        """Return the file with the learning rate that was chosen among `rates` for a configuration."""
        plain = config.model_copy(
            update={"seed": 0, "optim": config.optim.model_copy(update={"learning_rate": 1.0})}
        )
        name = self._name(config, plain.fingerprint() + repr(sorted(rates)))
        return self.root / RECIPES / f"{name}.yaml"

    def _name(self, config: RunConfig, content: str) -> str:
        text = content + self.data[config.task].fingerprint
        key = hashlib.sha256(text.encode()).hexdigest()[:12]
        return f"{config.task}-{config.variant}-{key}"
