"""PlannedRun: one run of a fixed list, and whether it is done."""

from pathlib import Path
from typing import NamedTuple

from lru_tune.config.schema import RunConfig
from lru_tune.files import run_directory as runs


class PlannedRun(NamedTuple):
    """A run to execute.

    Attributes:
      run_dir: absolute; reports that it holds already are not computed again.
      final: `test` evaluates the test split afterwards, `validation` never opens it.
      bracket: runs of one bracket are compared by ASHA, which stops the weak ones; "" never stops.
    """

    config: RunConfig
    run_dir: Path
    final: str = "test"
    bracket: str = ""


def is_done(run: PlannedRun) -> bool:
    """Return whether a run needs no more work: it completed with its test result, diverged or was stopped."""
    result = runs.read_result(run.run_dir) or {}
    has_test = run.final != "test" or runs.TEST_ACCURACY in result
    status = result.get("status")
    stopped = status == "stopped" and bool(run.bracket)
    return status == "diverged" or stopped or (status == "completed" and has_test)
