"""The course of a run: its reports in order, its end written, its trackers told; needs no JAX."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Protocol

from lru_tune.config.schema import Length, RunConfig
from lru_tune.errors import Diverged
from lru_tune.files import run_directory as runs
from lru_tune.files.run_directory import Report
from lru_tune.training.trackers.trackers import Tracker


class UnderWay(Protocol):
    """A run, wherever it is trained: in this process, or in a lane of another.

    Attributes:
      config: with `steps` and `eval_every` resolved.
      length: of the run.
      step: optimiser steps done.
    """

    config: RunConfig
    length: Length
    step: int

    def advance(self) -> Report:
        """Train to the next report; raise Diverged where a step was not finite."""

    def finish(self, status: runs.Status, **fields: Any) -> None:
        """Write result.json."""


def follow(run: UnderWay, run_dir: Path, trackers: Sequence[Tracker]) -> Generator[Report]:
    """Take a run to its end, yielding every report; closed early, it leaves a run that can go on.

    Everything final is written before the last report is yielded.

    Raises:
      Diverged: a loss or gradient is not finite; result.json says so.
    """
    status: runs.Status = "interrupted"
    for tracker in trackers:
        tracker.start(run.config, run_dir)
    try:
        if run.step == run.length.steps:  # killed after its last checkpoint
            status = "completed"
            run.finish(status)
        while run.step < run.length.steps:
            report = run.advance()
            if report.last:
                status = "completed"
                run.finish(status)
            for tracker in trackers:
                tracker.log(report)
            yield report
    except Diverged as error:
        status = "diverged"
        run.finish(status, error=str(error))
        raise
    finally:
        if status == "interrupted":
            run.finish(status)
        for tracker in trackers:
            tracker.finish(status)
