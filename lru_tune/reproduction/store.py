"""Where reproductions lie: runs addressed by what they compute, tables as views of them.

    <runs root>/reproductions/
      runs/<task>-<variant>-<key>/     a run directory; the key hashes configuration (with seed) and data
      recipes/<task>-<variant>-<key>.yaml    a cell's configuration with the learning rate found for it
      data/<task>.json                 what is known of the data the runs were made with
      agenda.json                      what the last command in here set out to do
      table1/, table1-quick/, ...      reproduction.json, table.md, table.csv, table.tex

Two tables that share a cell share its runs, a run is never made twice, and seeds can be added at any time.
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
    """What a reproduction has to know of a prepared task.

    Attributes:
      fingerprint: of its arrays.
      chance: accuracy of always answering with the commonest class, in 0..1.
      train_examples: in the training split.
      shortfall: why nothing trained on it may be compared with what was published; "" where it may.
    """

    fingerprint: str
    chance: float
    train_examples: int
    shortfall: str = ""


def remember_data(root: Path, task: str, data: TaskData) -> None:
    """Write down what is known of a task's data, so that a table can be rendered where they are not.

    Args:
      root: folder of all reproductions.
      task: name of the task, or `synthetic/<task>` for its twin.
      data: what is known.
    """
    content = {"format_version": FORMAT_VERSION, **data._asdict()}
    write_atomically(root / DATA / f"{task}.json", json.dumps(content, indent=2) + "\n")


def remembered_data(root: Path, task: str) -> TaskData | None:
    """Return what `remember_data` wrote, None where it did not.

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
        raise DataDamaged(f"{file} cannot be read ({error!r}); delete it") from error


class Store(NamedTuple):
    """The folder of all reproductions.

    Attributes:
      root: absolute.
      data: task -> its prepared data; a task that is not prepared has no entry, and no runs.
    """

    root: Path
    data: Mapping[str, TaskData]

    def run_dir(self, config: RunConfig) -> Path:
        """Return where the run of a configuration of resolved length lies."""
        return self.root / RUNS_FOLDER / self._name(config, config.fingerprint())

    def recipe_file(self, config: RunConfig, rates: tuple[float, ...]) -> Path:
        """Return where the learning rate chosen among `rates` for a configuration is remembered."""
        plain = config.model_copy(
            update={"seed": 0, "optim": config.optim.model_copy(update={"learning_rate": 1.0})}
        )
        name = self._name(config, plain.fingerprint() + repr(sorted(rates)))
        return self.root / RECIPES / f"{name}.yaml"

    def _name(self, config: RunConfig, content: str) -> str:
        text = content + self.data[config.task].fingerprint
        key = hashlib.sha256(text.encode()).hexdigest()[:12]
        return f"{config.task}-{config.variant}-{key}"
