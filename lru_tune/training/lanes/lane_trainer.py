"""LaneTrainer: trains whatever runs are in its lanes, one dispatch after the other.

Runs of one program and data share a bank of lanes; runs of other shapes get banks of their own. Only one
thread may train; opening a run and settling what it came to may be done in others meanwhile.
"""

import math
import threading
import time
import weakref
from collections.abc import Hashable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from lru_tune.config.schema import RunConfig
from lru_tune.data.store import open_task
from lru_tune.training.lanes.lane_run import Arrival, LaneData, LaneRun
from lru_tune.training.lanes.programs import LaneBank, bank_size, common_count

DISPATCH_SECONDS = 0.5  # a run that comes or goes waits at most this long for the lanes


class LaneTrainer:
    """Runs in lanes, at most so many at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._teams: dict[Hashable, Team] = {}
        self._data: weakref.WeakValueDictionary[Hashable, LaneData] = weakref.WeakValueDictionary()
        self._reading = threading.Lock()

    def open(self, config: RunConfig, data_root: Path, run_dir: Path) -> LaneRun:
        """Open a run's directory and data, and set it up where its newest checkpoint stands.

        Raises:
          DataNotPrepared, DataDamaged, CheckpointDamaged, ConfigError: as `lru_tune.training.loop.train`.
        """
        task = open_task(config.task, data_root)
        data = config.data
        limits = data.train_examples, data.val_examples, data.max_length
        key = task.folder, task.manifest.fingerprint, limits
        with self._reading:
            read = self._data.get(key) or LaneData.read(config, task)
            self._data[key] = read
        return LaneRun(config, task, run_dir, read)

    def admit(self, run: LaneRun) -> None:
        """Give a run a lane; it begins with the next dispatch."""
        key = run.programs, run.data
        team = self._teams.setdefault(key, Team(run, self._most))
        team.admit(run)

    def leave(self, run: LaneRun) -> None:
        """Free a run's lane."""
        key = run.programs, run.data
        self._teams[key].leave(run)
        if not self._teams[key].runs:
            del self._teams[key]

    def has_work(self) -> bool:
        """Return whether a lane can take a step or has come to what it was asked for."""
        runs = (run for team in self._teams.values() for run in team.runs)
        return any(run.remaining > 0 or run.has_arrived for run in runs)

    def advance(self) -> list[Arrival]:
        """Take some steps in every lane that can; return the lanes that came to something.

        Each of these must be given to its run's `settle`, one at a time and in order.
        """
        return [arrival for team in self._teams.values() for arrival in team.advance()]


class Team:
    """The runs that share one bank, each in a slot."""

    def __init__(self, like: LaneRun, most: int) -> None:
        self._bank = LaneBank(like.programs, like.data.train, like.data.val)
        self._most = most
        self._dispatch = like.book.config.runtime.steps_per_dispatch
        self._batch_size = like.book.config.data.batch_size
        self._seconds_a_step = math.inf
        self._slots: list[LaneRun | None] = []

    @property
    def runs(self) -> list[LaneRun]:
        """Return those in lanes."""
        return [run for _, run in self._taken]

    @property
    def _taken(self) -> list[tuple[int, LaneRun]]:
        return [(slot, run) for slot, run in enumerate(self._slots) if run is not None]

    def admit(self, run: LaneRun) -> None:
        """Put a run into the first free slot, making room if there is none."""
        if None not in self._slots:
            self._resize(len(self._slots) + 1)
        slot = self._slots.index(None)
        self._bank.put(slot, run.first)
        del run.first  # the bank's copy is the one that counts
        self._slots[slot] = run

    def leave(self, run: LaneRun) -> None:
        """Free a run's slot; a bank that is too large for the others shrinks."""
        self._slots[self._slots.index(run)] = None
        if self.runs and bank_size(len(self.runs), self._most) < len(self._slots):
            self._resize(len(self.runs))

    def advance(self) -> list[Arrival]:
        """Train, evaluate the lanes that stand at reports they were asked for, look after checkpoints."""
        self._train()
        arrived = [(slot, run) for slot, run in self._taken if run.has_arrived]
        arrivals = self._reports([(slot, run) for slot, run in arrived if run.sound])
        arrivals += [
            Arrival(run, "divergence", self._bank.get(slot))
            for slot, run in arrived
            if not run.sound
        ]
        for _, run in arrived:
            run.asked, run.settling = False, True
        for slot, run in self._taken:
            if run.needs_checkpoint:
                run.settling = True
                arrivals.append(Arrival(run, "checkpoint", self._bank.get(slot)))
        return arrivals

    def _train(self) -> None:
        remaining = [0] * len(self._slots)
        for slot, run in self._taken:
            remaining[slot] = run.remaining
        fitting = max(1, int(DISPATCH_SECONDS / self._seconds_a_step))
        count = common_count(remaining, min(self._dispatch, fitting))
        if count == 0:
            return
        counts = np.minimum(np.asarray(remaining, np.int32), count)
        batches = np.zeros((len(counts), self._dispatch, self._batch_size), np.int32)
        for slot, run in self._taken:
            if counts[slot]:
                batches[slot, : counts[slot]] = run.upcoming(counts[slot])
        begun = time.monotonic()
        going = [run for slot, run in self._taken if counts[slot]]
        with ExitStack() as clocks:
            for run in going:
                clocks.enter_context(run.book.clock.counting("train_seconds", len(going)))
            standing = self._bank.train(batches, counts)
        self._seconds_a_step = (time.monotonic() - begun) / count
        for slot, run in self._taken:
            run.step, run.sound = int(standing.step[slot]), bool(standing.sound[slot])

    def _reports(self, places: list[tuple[int, LaneRun]]) -> list[Arrival]:
        """Evaluate these runs and let them go on to their next reports."""
        if not places:
            return []
        slots = [slot for slot, _ in places]
        with ExitStack() as clocks:
            for _, run in places:
                clocks.enter_context(run.book.clock.counting("eval_seconds", len(places)))
            totals = self._bank.evaluate(slots)
        arrivals = [
            Arrival(run, "report", self._bank.get(slot), validation)
            for (slot, run), validation in zip(places, totals, strict=True)
        ]
        self._bank.clear_sums(slots)
        for _, run in places:
            run.target = run.book.next_report(run.step)
        return arrivals

    def _resize(self, runs: int) -> None:
        """Make the bank as large as so many runs need, the present ones first."""
        size = bank_size(runs, self._most)
        kept = [slot for slot, _ in self._taken]
        if kept:
            self._bank.arrange(kept, size)
        self._slots = [*(self._slots[slot] for slot in kept), *[None] * (size - len(kept))]
