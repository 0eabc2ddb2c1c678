"""Jobs: runs of a fixed list, and whether a run directory holds what a job asks for."""

from pathlib import Path
from typing import NamedTuple

from lru_tune.config.schema import RunConfig
from lru_tune.files import run_directory as runs


class PlannedRun(NamedTuple):
    """A run to be made.

    Attributes:
      run_dir: absolute; what it holds already is not computed again.
      final: `test` evaluates the test split afterwards, `validation` does not open it.
      bracket: runs of one bracket are compared as they go, and the weak are stopped early; "" never stops.
    """

    config: RunConfig
    run_dir: Path
    final: str = "test"
    bracket: str = ""


def is_done(job: PlannedRun) -> bool:
    """Return whether a run directory holds everything that was asked for."""
    result = runs.read_result(job.run_dir) or {}
    has_test = job.final != "test" or runs.TEST_ACCURACY in result
    status = result.get("status")
    stopped = status == "stopped" and bool(job.bracket)
    return status == "diverged" or stopped or (status == "completed" and has_test)
