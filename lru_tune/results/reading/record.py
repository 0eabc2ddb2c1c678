"""Reads experiment.json and space.yaml of an experiment."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from lru_tune.config.yaml_io import read_yaml
from lru_tune.files.experiment_folder import SPACE_FILE, read_experiment
from lru_tune.files.run_directory import VAL_ACCURACY, Mode
from lru_tune.tasks import PROTOCOL_STAMPS


@dataclass(frozen=True)
class ExperimentRecord:
    """The fields of experiment.json that a report needs, with defaults for missing fields.

    Attributes:
      scale: "quick" if the space's `quick` block was used.
      data: fingerprint, chance, counts and protocol of the prepared task.
      seconds: wall time of search and confirmation.
      plan: the planned numbers of trials, steps, confirmation runs and concurrent runs.
    """

    status: str
    task: str
    variant: str
    scale: Literal["full", "quick"] = "full"
    synthetic: bool = False
    metric: str = VAL_ACCURACY
    mode: Mode = "max"
    device: str | None = None
    seconds: float | None = None
    command: Any = None
    data: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)

    @property
    def chance(self) -> float | None:
        """Accuracy of always predicting the most frequent class, in [0, 1]."""
        return self.data.get("chance")

    @property
    def protocol_stamp(self) -> str | None:
        """A remark on an unusual validation split; None for the default split."""
        return PROTOCOL_STAMPS.get(self.data.get("protocol", "default"))

    @property
    def remark(self) -> str:
        """The reasons why results cannot be compared with published ones, in lines; "" if they can."""
        causes = [
            cause
            for cause, present in (
                ("synthetic data", self.synthetic),
                ("the quick scale", self.scale == "quick"),
            )
            if present
        ]
        lines = [f"{' and '.join(causes)}: not comparable with published numbers"] if causes else []
        return "\n".join([*lines, self.protocol_stamp or ""]).strip()


def read_record(experiment: Path) -> ExperimentRecord:
    """Read experiment.json; other fields are ignored.

    Raises:
      ConfigError: the folder is no experiment, or its experiment.json is damaged.
    """
    content = read_experiment(experiment)
    known = {f.name: content[f.name] for f in fields(ExperimentRecord) if f.name in content}
    return ExperimentRecord(**known)


def read_space(experiment: Path) -> dict[str, Any]:
    """Return the mapping in space.yaml; empty if there is no such file.

    Raises:
      ConfigError: the file is not YAML.
    """
    path = experiment / SPACE_FILE
    return read_yaml(path).content if path.is_file() else {}
