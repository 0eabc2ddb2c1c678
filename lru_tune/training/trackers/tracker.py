"""Trackers copy the reports of a run elsewhere, such as to TensorBoard or Weights & Biases.

A tracker cannot disturb a run: it works in a thread of its own, and its errors are warnings. The run
directory is complete without it.
"""

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from lru_tune.config.schema import RunConfig
from lru_tune.files.run_directory import Report
from lru_tune.training.trackers.tensorboard import TensorBoardTracker
from lru_tune.training.trackers.weights_and_biases import WandbTracker

logger = logging.getLogger(__name__)

WandbMode = Literal["off", "offline", "online"]
FINISH_SECONDS = 20.0  # how long the end of a run waits for a tracker that is behind


class Tracker(Protocol):
    """Takes a run's start, its reports and its end."""

    def start(self, config: RunConfig, run_dir: Path) -> None:
        """Called once, before the first report."""

    def log(self, report: Report) -> None:
        """Called with every report."""

    def finish(self, status: str) -> None:
        """Called once, however the run ended."""


class TrackerSettings(NamedTuple):
    """Which trackers a run has.

    Attributes:
      wandb: `online` falls back to `offline` without a key or a connection.
      tensorboard: write event files into the run directory's `tb`.
      group: experiment name by which Weights & Biases groups runs.
    """

    wandb: WandbMode = "off"
    tensorboard: bool = False
    group: str = ""


# By name: makes a tracker, or returns None where the settings do not ask for it.
TRACKERS: dict[str, Callable[[TrackerSettings], Tracker | None]] = {
    "wandb": lambda s: None if s.wandb == "off" else WandbTracker(s.wandb, s.group),
    "tensorboard": lambda s: TensorBoardTracker() if s.tensorboard else None,
}


def make_trackers(settings: TrackerSettings) -> tuple[Tracker, ...]:
    """Return the trackers that the settings ask for, each in a thread of its own; none by default."""
    trackers = (make(settings) for make in TRACKERS.values())
    return tuple(Background(tracker) for tracker in trackers if tracker is not None)


class Background:
    """Calls another tracker in a thread of its own, so that it can neither block nor fail a run."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def start(self, config: RunConfig, run_dir: Path) -> None:
        """Queue the tracker's start."""
        self._calls.put(lambda: self._tracker.start(config, run_dir))

    def log(self, report: Report) -> None:
        """Queue a report."""
        self._calls.put(lambda: self._tracker.log(report))

    def finish(self, status: str) -> None:
        """Queue the end, and wait at most FINISH_SECONDS for it."""
        self._calls.put(lambda: self._tracker.finish(status))
        self._calls.put(None)
        self._thread.join(FINISH_SECONDS)
        if self._thread.is_alive():
            logger.warning("%s has not finished; the run does not wait for it", self._name)

    @property
    def _name(self) -> str:
        return type(self._tracker).__name__

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - a tracker may fail in any way, a run must not
                logger.warning("%s switched off: %s: %s", self._name, type(error).__name__, error)
                return
