"""LaneServer: the Ray actor that owns a device and trains the runs of many trials in its lanes.

Its own thread trains; Ray's threads bring what clients ask for, and wait; a few more write files, so that
the device goes on meanwhile. What they share is changed under one lock.
"""

import threading
import time
import uuid
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from filelock import FileLock

from lru_tune.config.schema import Length, RunConfig
from lru_tune.errors import LruTuneError
from lru_tune.files import run_directory as runs
from lru_tune.files.run_directory import Report
from lru_tune.search.ray.trial_keys import WARNINGS
from lru_tune.search.ray.worker_warnings import collect_warnings
from lru_tune.system.worker_environment import prepare_process

if TYPE_CHECKING:  # they import JAX, which the driver must not
    from lru_tune.training.lanes.lane_run import LaneRun
    from lru_tune.training.lanes.lane_trainer import LaneTrainer

WRITERS = 4  # threads that write reports and checkpoints
LOCK_FILE = ".lane.lock"  # in a run directory, while a server writes to it
LOCK_SECONDS = 120  # a lost server has long died by then
LOOK_SECONDS = 1.0  # how often those who wait look whether training has broken off
LEASE_SECONDS = 300.0  # a client that was not heard of for so long loses its lane where others wait


class Admission(NamedTuple):
    """A lane that was given to a run.

    Attributes:
      ticket: names the lane in every later call.
      config, length: of the run, resolved.
      step: where it stands.
    """

    ticket: str
    config: RunConfig
    length: Length
    step: int


class Told(NamedTuple):
    """What a client is told: its run's next report or how it failed, and warnings of the server."""

    outcome: Report | LruTuneError
    warnings: list[str]


class LaneLost(RuntimeError):
    """The server does not know a ticket: it was started anew, or the lane went to another attempt."""


@dataclass(eq=False)
class Seat:
    """A lane from the clients' side.

    Attributes:
      run: what is trained in it.
      lock: keeps other servers out of the run's directory.
      training: of the bank it is in; done where that broke off.
      writing: what the run has come to and nobody has been told, each done once it is written.
      heard: when a client last asked or waited.
      going: whether the run was told to leave its lane.
      free: whether the trainer has let it go.
    """

    run: "LaneRun"
    lock: FileLock
    training: "Future[None]"
    writing: "deque[Future[Any]]" = field(default_factory=deque)
    heard: float = field(default_factory=time.monotonic)
    going: bool = False
    free: bool = False


class LaneServer:
    """Lanes on the device of this process, for the clients in `lru_tune.search.lanes.client`."""

    def __init__(self, data_root: str, *, cpus: float, gpus: float) -> None:
        prepare_process(cpus=cpus, gpus=gpus)
        self._data_root = Path(data_root)
        self._complaints = collect_warnings()
        self._changed = threading.Condition()
        self._opening = 0
        self._seats: dict[str, Seat] = {}
        self._coming: list[Seat] = []
        self._going: list[Seat] = []
        self._closing = False
        self._writers = ThreadPoolExecutor(WRITERS)
        self._trainer: LaneTrainer | None = None
        self._training: Future[None] = Future()

    def fitting(self, run: dict[str, Any], most: int) -> int:
        """Return how many lanes of runs like this one the device's memory holds, at most `most`."""
        from lru_tune.training.lanes.capacity import fitting_lanes

        return fitting_lanes(RunConfig.model_validate(run), self._data_root, most)

    def taken(self) -> int:
        """Return how many lanes are in use."""
        return len(self._seats) + self._opening

    def submit(
        self, run: dict[str, Any], run_dir: str, lanes: int
    ) -> Admission | LruTuneError | None:
        """Give a run a lane; None if all `lanes` are taken, an error that a retry would meet again."""
        folder = Path(run_dir)
        for ticket, seat in list(self._seats.items()):
            silent = time.monotonic() - seat.heard > LEASE_SECONDS and self.taken() >= lanes
            if silent or seat.run.writer.run_dir == folder:  # its client was lost
                self._withdraw(ticket, seat)
                seat.lock.release()
        with self._changed:
            trainer = self._working_trainer(lanes)
            if self.taken() >= lanes:
                return None
            self._opening += 1
        lock = FileLock(folder / LOCK_FILE, timeout=LOCK_SECONDS, thread_local=False)
        ticket = uuid.uuid4().hex
        try:
            lock.acquire()
            opened = trainer.open(RunConfig.model_validate(run), self._data_root, folder)
            admitted = Admission(ticket, opened.writer.config, opened.writer.length, opened.step)
            with self._changed:
                self._seats[ticket] = Seat(opened, lock, self._training)
                self._coming.append(self._seats[ticket])
        except LruTuneError as error:
            return error
        finally:
            with self._changed:
                self._opening -= 1
                self._changed.notify_all()
            if ticket not in self._seats:
                lock.release()
        return admitted

    def next_report(self, ticket: str) -> Told:
        """Wait for a run's next report, which is made because of this call.

        Raises:
          LaneLost: the ticket is not known, or no longer.
          Exception: training or writing broke off, as it did.
        """
        seat = self._seats.get(ticket)
        if seat is None:
            raise LaneLost(f"no lane has the ticket {ticket}")
        with self._changed:
            seat.run.report_requested = True
            self._changed.notify_all()
            while True:
                seat.heard = time.monotonic()
                while seat.writing and seat.writing[0].done():
                    outcome = seat.writing.popleft().result()
                    if outcome is not None:  # a checkpoint is nothing to tell
                        return Told(outcome, self._complaints.take().get(WARNINGS, []))
                if seat.training.done():
                    seat.training.result()
                if seat.free:
                    raise LaneLost(f"{seat.run.writer.run_dir} was given to another attempt")
                self._changed.wait(LOOK_SECONDS)

    def release(self, ticket: str, status: runs.Status, fields: dict[str, Any]) -> None:
        """Free a lane and write the run's result.json; nothing if the ticket is not known."""
        seat = self._seats.get(ticket)
        if seat is not None:
            self._withdraw(ticket, seat)
            seat.run.finish(status, **fields)
            seat.lock.release()

    def evaluate_test(self, run_dir: str) -> dict[str, float]:
        """Read the test split for a run that is done: `lru_tune.training.loop.evaluate_test`."""
        from lru_tune.training.loop import evaluate_test

        return evaluate_test(Path(run_dir), data_root=self._data_root)

    def close(self) -> None:
        """End the runs that still have lanes as interrupted, which can go on later, and stop training."""
        for ticket, seat in list(self._seats.items()):
            self._withdraw(ticket, seat)
            if runs.read_result(seat.run.writer.run_dir) is None:
                seat.run.finish("interrupted")
            seat.lock.release()
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def _working_trainer(self, lanes: int) -> "LaneTrainer":
        """Return the trainer; a new one, without runs, at first and where training broke off."""
        if self._trainer is not None and not self._training.done():
            return self._trainer
        from lru_tune.training.lanes.lane_trainer import LaneTrainer

        for seat in self._seats.values():
            seat.lock.release()
        self._seats, self._coming, self._going = {}, [], []
        self._trainer = LaneTrainer(lanes)
        self._training = ThreadPoolExecutor(1).submit(self._train, self._trainer)
        return self._trainer

    def _withdraw(self, ticket: str, seat: Seat) -> None:
        """Take a run out of its lane and wait until all it has come to is written."""
        with self._changed:
            if seat.training is self._training and not seat.going:
                seat.going = True
                self._going.append(seat)
                self._changed.notify_all()
            while not (seat.free or seat.training.done()):
                self._changed.wait(LOOK_SECONDS)
            while not all(writing.done() for writing in seat.writing):
                self._changed.wait(LOOK_SECONDS)
            self._seats.pop(ticket, None)

    def _train(self, trainer: "LaneTrainer") -> None:
        """Train until the server is closed; what clients want is seen to between two dispatches."""
        seats: dict[LaneRun, Seat] = {}
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_wanted or trainer.has_work())
                if self._closing:
                    return
                coming, going = self._coming, self._going
                self._coming, self._going = [], []
            for seat in coming:
                trainer.admit(seat.run)
                seats[seat.run] = seat
            for seat in going:
                trainer.leave(seat.run)
                del seats[seat.run]
            with self._changed:
                for seat in going:
                    seat.free = True
                self._changed.notify_all()
            for event in trainer.advance():
                writing = self._writers.submit(event.run.write, event)
                seats[event.run].writing.append(writing)
                writing.add_done_callback(self._announce)

    @property
    def _is_wanted(self) -> bool:
        return bool(self._coming or self._going or self._closing)

    def _announce(self, _: "Future[Any]") -> None:
        with self._changed:
            self._changed.notify_all()
