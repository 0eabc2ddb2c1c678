"""LaneServer: the Ray actor that owns a device and trains the runs of many trials in its lanes.

Ray calls the methods from several threads, one for each waiting client. They and the training thread share
one lock.
"""

import threading
import time
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from lru_tune.config.schema import Length, RunConfig
from lru_tune.errors import LruTuneError
from lru_tune.files import run_directory as runs
from lru_tune.files.run_directory import Report
from lru_tune.search.lanes.training_thread import POLL_SECONDS, Lane, TrainingThread
from lru_tune.search.ray.trial_keys import WARNINGS
from lru_tune.search.ray.worker_warnings import collect_warnings
from lru_tune.system.worker_environment import prepare_process

LOCK_FILE = ".lane.lock"  # in a run directory, while a server writes to it
LOCK_SECONDS = 120  # by then a lost server has died
LEASE_SECONDS = (
    300.0  # a client silent for this long loses its lane if another client waits for one
)


class Lease(NamedTuple):
    """A lane that a client has for its run.

    Attributes:
      ticket: identifies the lane in later calls.
      config, length: of the run, resolved.
      step: that the run has reached.
    """

    ticket: str
    config: RunConfig
    length: Length
    step: int


class Answer(NamedTuple):
    """A run's next report, or the error that ended it, and warnings of the server."""

    outcome: Report | LruTuneError
    warnings: list[str]


class LaneLost(RuntimeError):
    """The server does not know a ticket: it was restarted, or the lane went to another attempt."""


class LaneServer:
    """Lanes on the device of this process, for the clients in `lru_tune.search.lanes.client`.

    Args:
      data_root: folder of prepared tasks.
      cpus, gpus: that this process may use.
    """

    def __init__(self, data_root: str, *, cpus: float, gpus: float) -> None:
        prepare_process(cpus=cpus, gpus=gpus)
        self._data_root = Path(data_root)
        self._warnings = collect_warnings()
        self._changed = threading.Condition()
        self._lanes: dict[str, Lane] = {}  # ticket -> lane
        self._opening = 0  # lanes taken by runs that are being opened
        self._thread: TrainingThread | None = None

    def lanes_that_fit(self, run: dict[str, Any], at_most: int) -> int:
        """Return how many lanes of runs like this one fit into the device's memory, at most `at_most`."""
        from lru_tune.training.lanes.capacity import fitting_lanes

        return fitting_lanes(RunConfig.model_validate(run), self._data_root, at_most)

    def lanes_in_use(self) -> int:
        """Return how many lanes are in use."""
        return len(self._lanes) + self._opening

    def request_lane(
        self, run: dict[str, Any], run_dir: str, lanes: int
    ) -> Lease | LruTuneError | None:
        """Give a run a lane.

        Args:
          run: RunConfig as a mapping.
          run_dir: absolute.
          lanes: how many this server has.

        Returns:
          A lease; None if all lanes are in use; an error if the run cannot be opened and a retry would
          fail in the same way.
        """
        folder = Path(run_dir)
        self._free_abandoned_lanes(folder, lanes)
        with self._changed:
            thread = self._running_thread(lanes)
            if self.lanes_in_use() >= lanes:
                return None
            self._opening += 1
        lock = FileLock(folder / LOCK_FILE, timeout=LOCK_SECONDS, thread_local=False)
        ticket = uuid.uuid4().hex
        try:
            lock.acquire()
            opened = thread.trainer.open(RunConfig.model_validate(run), self._data_root, folder)
            lease = Lease(ticket, opened.writer.config, opened.writer.length, opened.step)
            with self._changed:
                self._lanes[ticket] = Lane(opened, lock, thread)
                thread.join(self._lanes[ticket])
        except LruTuneError as error:
            return error
        finally:
            with self._changed:
                self._opening -= 1
                self._changed.notify_all()
            if ticket not in self._lanes:
                lock.release()
        return lease

    def next_report(self, ticket: str) -> Answer:
        """Train a run until its next report is written; return the report.

        Raises:
          LaneLost: the ticket is not known, or no longer.
          Exception: training or writing failed.
        """
        lane = self._lanes.get(ticket)
        if lane is None:
            raise LaneLost(f"no lane has the ticket {ticket}")
        with self._changed:
            lane.run.report_requested = True
            self._changed.notify_all()
            while True:
                lane.last_call = time.monotonic()
                while lane.writes and lane.writes[0].done():
                    outcome = lane.writes.popleft().result()
                    if outcome is not None:  # None: a checkpoint
                        return Answer(outcome, self._warnings.take().get(WARNINGS, []))
                if lane.thread.ended.done():
                    lane.thread.ended.result()
                if lane.has_left:
                    raise LaneLost(f"{lane.run.writer.run_dir} was given to another attempt")
                self._changed.wait(POLL_SECONDS)

    def release(self, ticket: str, status: runs.Status, fields: dict[str, Any]) -> None:
        """Free a lane and write result.json of its run; do nothing if the ticket is not known."""
        lane = self._lanes.get(ticket)
        if lane is not None:
            self._free(ticket, lane)
            lane.run.finish(status, **fields)
            lane.lock.release()

    def evaluate_test(self, run_dir: str) -> dict[str, float]:
        """Evaluate the test split for a run that is done: `lru_tune.training.loop.evaluate_test`."""
        from lru_tune.training.loop import evaluate_test

        return evaluate_test(Path(run_dir), data_root=self._data_root)

    def close(self) -> None:
        """Close the runs that still have lanes as interrupted, so that they can continue; stop training."""
        for ticket, lane in list(self._lanes.items()):
            self._free(ticket, lane)
            if runs.read_result(lane.run.writer.run_dir) is None:
                lane.run.finish("interrupted")
            lane.lock.release()
        with self._changed:
            if self._thread is not None:
                self._thread.stop()

    def _running_thread(self, lanes: int) -> TrainingThread:
        """Return the training thread; a new one without runs if there is none or training has failed."""
        if self._thread is None or self._thread.ended.done():
            for lane in self._lanes.values():
                lane.lock.release()
            self._lanes = {}
            self._thread = TrainingThread(lanes, self._changed)
        return self._thread

    def _free_abandoned_lanes(self, folder: Path, lanes: int) -> None:
        """Free the lane of an earlier attempt at this run, and those of silent clients if all are in use."""
        for ticket, lane in list(self._lanes.items()):
            silent = time.monotonic() - lane.last_call > LEASE_SECONDS
            is_earlier_attempt = lane.run.writer.run_dir == folder
            if is_earlier_attempt or (silent and self.lanes_in_use() >= lanes):
                self._free(ticket, lane)
                lane.lock.release()

    def _free(self, ticket: str, lane: Lane) -> None:
        """Take a run out of its lane and wait until its reports and checkpoints are written."""
        with self._changed:
            lane.thread.leave(lane)
            self._lanes.pop(ticket, None)
