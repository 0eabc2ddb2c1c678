"""What an experiment says about itself: experiment.json and space.yaml."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from lru_tune.config.yaml_io import read_yaml
from lru_tune.files.experiment_folder import SPACE_FILE, read_experiment
from lru_tune.files.run_directory import VAL_ACCURACY, Mode
from lru_tune.tasks import PROTOCOL_STAMPS


@dataclass(frozen=True)
class ExperimentRecord:
    """The fields of experiment.json that a report needs; defaults stand for what is not there yet.

    Attributes:
      scale: "quick" where the space's `quick:` block was used.
      data: fingerprint, chance, counts and protocol of the prepared task.
      seconds: wall time of search and confirmation.
      plan: how many trials, steps, confirmation runs, and runs at once were planned.
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
        """Accuracy of always answering with the commonest class, in [0, 1]."""
        return self.data.get("chance")

    @property
    def protocol_stamp(self) -> str | None:
        """What is to be said of an unusual validation split; None of a usual one."""
        return PROTOCOL_STAMPS.get(self.data.get("protocol", "default"))

    @property
    def remark(self) -> str:
        """What keeps results from being compared with published ones, in lines; "" where nothing does."""
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
    """Read experiment.json; fields that are not part of the record are left aside.

    Raises:
      ConfigError: the folder is no experiment, or its experiment.json is damaged.
    """
    content = read_experiment(experiment)
    known = {f.name: content[f.name] for f in fields(ExperimentRecord) if f.name in content}
    return ExperimentRecord(**known)


def read_space(experiment: Path) -> dict[str, Any]:
    """Return the mapping in space.yaml, empty where there is none.

    Raises:
      ConfigError: the file is not YAML.
    """
    path = experiment / SPACE_FILE
    return read_yaml(path).content if path.is_file() else {}
