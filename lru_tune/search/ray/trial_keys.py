"""Keys of the configuration that a Ray trial starts with, and of its results beside the metrics."""

from pathlib import Path
from typing import Any

from lru_tune.config.schema import RunConfig

# Of the configuration.
NUMBER = "number"  # of the trial in its experiment, from 0
RUN = "run"  # the complete RunConfig as a mapping
RUN_DIR = "run_dir"  # absolute path
FINAL = "final"  # what follows the last report: a name in FINALS of `lru_tune.search.ray.trainable`
BRACKET = "bracket"  # trials of one bracket are compared with each other
WORKER = "worker"  # WorkerSettings as a mapping, the same for all trials
# Of the results.
REPORT = "report"  # reports so far, from 1
STATUS = "status"  # `running`, or how the trial ended by itself
ERROR = "error"
WARNINGS = "warnings"  # a list of messages; absent if there are none


def trial_config(
    number: int, run: RunConfig, run_dir: Path, *, final: str = "validation", bracket: str = ""
) -> dict[str, Any]:
    """Return what Ray starts a trial with; WORKER is added for all trials at once."""
    return {
        NUMBER: number,
        RUN: run.model_dump(mode="json"),
        RUN_DIR: str(run_dir),
        FINAL: final,
        BRACKET: bracket,
    }
