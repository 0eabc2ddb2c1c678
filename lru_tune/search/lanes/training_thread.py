"""TrainingThread: trains the runs in the lanes of one device, in a thread of its own.

Runs join and leave between two dispatches. Reports and checkpoints are written by other threads, so that the
device does not wait for the disk.
"""

import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from filelock import FileLock

if TYPE_CHECKING:  # imports JAX, which the driver must not do
    from lru_tune.training.lanes.lane_run import LaneRun

WRITERS = 4  # threads that write reports and checkpoints
POLL_SECONDS = 1.0  # how often a waiting call checks whether training has failed


@dataclass(eq=False)
class Lane:
    """A lane in use.

    Attributes:
      run: that is trained in it.
      lock: keeps other servers out of the run's directory.
      thread: that trains it.
      writes: reports, errors and checkpoints (None) not yet sent to the client; each is done once written.
      last_call: time of the client's last call, `time.monotonic`.
      is_leaving: whether the run was asked to leave the lane.
      has_left: whether the thread has let go of the run.
    """

    run: "LaneRun"
    lock: FileLock
    thread: "TrainingThread"
    writes: "deque[Future[Any]]" = field(default_factory=deque)
    last_call: float = field(default_factory=time.monotonic)
    is_leaving: bool = False
    has_left: bool = False


class TrainingThread:
    """A thread that trains until it is stopped or training fails.

    Args:
      lanes: how many there are at most.
      changed: condition whose lock guards everything that this thread shares with others. Callers of
        `join`, `leave` and `stop` hold it.

    Attributes:
      trainer: opens runs for `join`.
      ended: done when the thread has ended; holds the exception if training failed.
    """

    def __init__(self, lanes: int, changed: threading.Condition) -> None:
        from lru_tune.training.lanes.lane_trainer import LaneTrainer

        self.trainer = LaneTrainer(lanes)
        self._changed = changed
        self._joining: list[Lane] = []
        self._leaving: list[Lane] = []
        self._stopping = False
        self._writers = ThreadPoolExecutor(WRITERS)
        self.ended: Future[None] = ThreadPoolExecutor(1).submit(self._train)

    def join(self, lane: Lane) -> None:
        """Begin to train a run."""
        self._joining.append(lane)
        self._changed.notify_all()

    def leave(self, lane: Lane) -> None:
        """Stop training a run and wait until all its reports and checkpoints are written."""
        if not lane.is_leaving:
            lane.is_leaving = True
            self._leaving.append(lane)
            self._changed.notify_all()
        while not (lane.has_left or self.ended.done()):
            self._changed.wait(POLL_SECONDS)
        while not all(write.done() for write in lane.writes):
            self._changed.wait(POLL_SECONDS)

    def stop(self) -> None:
        """End the thread."""
        self._stopping = True
        self._changed.notify_all()

    def _train(self) -> None:
        lanes: dict[LaneRun, Lane] = {}
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._has_requests or self.trainer.has_work())
                if self._stopping:
                    return
                joining, leaving = self._joining, self._leaving
                self._joining, self._leaving = [], []
            for lane in joining:
                self.trainer.admit(lane.run)
                lanes[lane.run] = lane
            for lane in leaving:
                self.trainer.leave(lane.run)
                del lanes[lane.run]
            with self._changed:
                for lane in leaving:
                    lane.has_left = True
                self._changed.notify_all()
            for event in self.trainer.advance():
                write = self._writers.submit(event.run.write, event)
                lanes[event.run].writes.append(write)
                write.add_done_callback(self._notify)

    @property
    def _has_requests(self) -> bool:
        return bool(self._joining or self._leaving or self._stopping)

    def _notify(self, _: "Future[Any]") -> None:
        with self._changed:
            self._changed.notify_all()
