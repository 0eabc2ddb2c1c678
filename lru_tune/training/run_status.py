"""How a run ends: its status in result.json, and its trackers; needs no JAX."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from lru_tune.config.schema import RunConfig
from lru_tune.errors import Diverged
from lru_tune.files.run_directory import Report, Status
from lru_tune.training.trackers.tracker import Tracker


class Finish(Protocol):
    """Writes result.json of a run."""

    def __call__(self, status: Status, *, error: str = ...) -> None:
        """Write it; `error` is the message of a run that diverged."""


@contextmanager
def recorded_status(
    finish: Finish, config: RunConfig, run_dir: Path, trackers: Sequence[Tracker]
) -> Iterator[Callable[[Report], None]]:
    """Record how the block, which trains a run, ends; both ways to train, alone and in a lane, use it.

        with recorded_status(writer.finish, config, run_dir, trackers) as record:
            while step < steps:
                ...
                record(report)
                yield report

    The status is `completed` at the last report, `diverged` after Diverged, and else `interrupted`: such a
    run can be resumed. result.json is written before the last report reaches anybody.

    Args:
      finish: called once with the status.
      config: of the run, with `steps` and `eval_every` resolved.
      run_dir: the run directory.
      trackers: their `start`, `log` and `finish` are called.

    Yields:
      A function that takes every report.
    """
    status: Status = "interrupted"

    def record(report: Report) -> None:
        nonlocal status
        if report.last:
            status = "completed"
            finish(status)
        for tracker in trackers:
            tracker.log(report)

    for tracker in trackers:
        tracker.start(config, run_dir)
    try:
        yield record
        if status != "completed":  # no step was left: the run was killed after its last checkpoint
            status = "completed"
            finish(status)
    except Diverged as error:
        status = "diverged"
        finish(status, error=str(error))
        raise
    finally:
        if status == "interrupted":
            finish(status)
        for tracker in trackers:
            tracker.finish(status)
