"""Optional mirrors of a run's reports: Weights & Biases and TensorBoard.

A tracker is told what happens and can change nothing: its failures are warnings, its slowness is its
own. The run directory stays complete without any of them.
"""

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from lru_tune.config.schema import RunConfig, flatten
from lru_tune.files.run_directory import STEP, Report
from lru_tune.training.trackers.weights_and_biases import WandbTracker

logger = logging.getLogger(__name__)

WandbMode = Literal["off", "offline", "online"]
FINISH_SECONDS = 20.0  # how long the end of a run waits for a tracker that has not caught up
FLUSH_SECONDS = 5.0  # until TensorBoard's file shows a report; its own default is two minutes


class Tracker(Protocol):
    """Told of one run's start, reports and end."""

    def start(self, config: RunConfig, run_dir: Path) -> None:
        """Begin, once, before the first report."""

    def log(self, report: Report) -> None:
        """Take one report."""

    def finish(self, status: str) -> None:
        """End; called once whatever happened."""


class TrackerSettings(NamedTuple):
    """Which trackers a run has.

    Attributes:
      wandb: `online` falls back to `offline` without a key or a connection.
      tensorboard: event files under the run directory's `tb`.
      group: experiment name that Weights & Biases groups runs by.
    """

    wandb: WandbMode = "off"
    tensorboard: bool = False
    group: str = ""


def make_trackers(settings: TrackerSettings) -> tuple[Tracker, ...]:
    """Build the chosen trackers; none by default."""
    trackers: list[Tracker] = []
    if settings.wandb != "off":
        trackers.append(Background(WandbTracker(settings.wandb, settings.group)))
    if settings.tensorboard:
        trackers.append(Background(TensorBoardTracker()))
    return tuple(trackers)


class Background:
    """Runs another tracker in a thread of its own, so that it can neither block nor fail a run."""

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
        """Queue the end and wait a little for it."""
        self._calls.put(lambda: self._tracker.finish(status))
        self._calls.put(None)
        self._thread.join(FINISH_SECONDS)
        if self._thread.is_alive():
            logger.warning("%s has not finished; going on without it", self._name)

    @property
    def _name(self) -> str:
        return type(self._tracker).__name__

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - a mirror may fail in any way; the run goes on
                logger.warning("%s switched off: %s: %s", self._name, type(error).__name__, error)
                return


class TensorBoardTracker:
    """Writes scalars for TensorBoard under `run_dir/tb`."""

    def start(self, config: RunConfig, run_dir: Path) -> None:
        """Open the event file."""
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(run_dir / "tb"), flush_secs=FLUSH_SECONDS)
        self._writer.add_text(
            "config",
            "\n".join(f"{k}: {v}" for k, v in flatten(config.model_dump(mode="json")).items()),
        )

    def log(self, report: Report) -> None:
        """Write every metric at its step."""
        for name, value in report.metrics.items():
            if name != STEP:
                self._writer.add_scalar(name, value, report.step)

    def finish(self, status: str) -> None:
        """Close the event file."""
        self._writer.add_text("status", status)
        self._writer.close()
