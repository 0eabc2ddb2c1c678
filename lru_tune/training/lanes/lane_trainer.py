"""LaneTrainer: trains the runs in its lanes, one dispatch after the other.

Runs with the same program and data share a bank of lanes; other runs get banks of their own. Only one thread
may train; other threads may open runs and write their events meanwhile.
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
from lru_tune.training.lanes.lane_run import LaneData, LaneEvent, LaneRun
from lru_tune.training.lanes.programs import LaneBank, bank_size, common_count

DISPATCH_SECONDS = 0.5  # a run that joins or leaves waits at most about this long


class LaneTrainer:
    """Trains runs in lanes, at most `max_lanes` at a time in one bank."""

    def __init__(self, max_lanes: int) -> None:
        self._max_lanes = max_lanes
        self._groups: dict[Hashable, LaneGroup] = {}
        self._data: weakref.WeakValueDictionary[Hashable, LaneData] = weakref.WeakValueDictionary()
        self._loading = threading.Lock()

    def open(self, config: RunConfig, data_root: Path, run_dir: Path) -> LaneRun:
        """Open a run's directory and data; it starts at its newest checkpoint.

        Raises:
          DataNotPrepared, DataDamaged, CheckpointDamaged, ConfigError: as `lru_tune.training.loop.train`.
        """
        task = open_task(config.task, data_root)
        data = config.data
        limits = data.train_examples, data.val_examples, data.max_length
        key = task.folder, task.manifest.fingerprint, limits
        with self._loading:
            loaded = self._data.get(key) or LaneData.load(config, task)
            self._data[key] = loaded
        return LaneRun(config, task, run_dir, loaded)

    def admit(self, run: LaneRun) -> None:
        """Give a run a lane; it trains from the next dispatch on."""
        key = run.programs, run.data
        if key not in self._groups:
            self._groups[key] = LaneGroup(run, self._max_lanes)
        self._groups[key].admit(run)

    def leave(self, run: LaneRun) -> None:
        """Free a run's lane."""
        key = run.programs, run.data
        self._groups[key].leave(run)
        if not self._groups[key].runs:
            del self._groups[key]

    def has_work(self) -> bool:
        """Return whether a lane can take a step, or a requested report is ready."""
        runs = (run for group in self._groups.values() for run in group.runs)
        return any(run.remaining > 0 or run.report_is_ready for run in runs)

    def advance(self) -> list[LaneEvent]:
        """Take some steps in every lane that can; return what must be written.

        The caller gives each event to `event.run.write`, the events of one run one at a time and in order.
        """
        return [event for group in self._groups.values() for event in group.advance()]


class LaneGroup:
    """The runs that share one bank, each in a slot."""

    def __init__(self, first: LaneRun, max_lanes: int) -> None:
        """Make a bank for runs like `first`, which is not admitted yet."""
        config = first.writer.config
        self._bank = LaneBank(first.programs, first.data.train, first.data.val)
        self._max_lanes = max_lanes
        self._dispatch = config.runtime.steps_per_dispatch
        self._batch_size = config.data.batch_size
        self._seconds_a_step = math.inf
        self._slots: list[LaneRun | None] = []

    @property
    def runs(self) -> list[LaneRun]:
        """The runs in lanes."""
        return [run for _, run in self._taken]

    @property
    def _taken(self) -> list[tuple[int, LaneRun]]:
        return [(slot, run) for slot, run in enumerate(self._slots) if run is not None]

    def admit(self, run: LaneRun) -> None:
        """Put a run into the first free slot; enlarge the bank if there is none."""
        if None not in self._slots:
            self._resize(len(self._slots) + 1)
        slot = self._slots.index(None)
        self._bank.put(slot, run.initial)
        del run.initial  # from now on the bank holds the run's state
        self._slots[slot] = run

    def leave(self, run: LaneRun) -> None:
        """Free a run's slot; shrink the bank if it is too large for the other runs."""
        self._slots[self._slots.index(run)] = None
        if self.runs and bank_size(len(self.runs), self._max_lanes) < len(self._slots):
            self._resize(len(self.runs))

    def advance(self) -> list[LaneEvent]:
        """Train, evaluate the lanes whose reports are ready, and see which checkpoints are old."""
        self._train()
        ready = [(slot, run) for slot, run in self._taken if run.report_is_ready]
        events = self._reports([(slot, run) for slot, run in ready if run.finite])
        events += [
            LaneEvent(run, "divergence", self._bank.get(slot))
            for slot, run in ready
            if not run.finite
        ]
        for _, run in ready:
            run.report_requested, run.writing = False, True
        for slot, run in self._taken:
            if run.needs_checkpoint:
                run.writing = True
                events.append(LaneEvent(run, "checkpoint", self._bank.get(slot)))
        return events

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
                batches[slot, : counts[slot]] = run.next_batches(counts[slot])
        begun = time.monotonic()
        training = [run for slot, run in self._taken if counts[slot]]
        with ExitStack() as clocks:
            for run in training:
                clocks.enter_context(run.writer.clock.counting("train_seconds", len(training)))
            steps, finite = self._bank.train(batches, counts)
        self._seconds_a_step = (time.monotonic() - begun) / count
        for slot, run in self._taken:
            run.step, run.finite = int(steps[slot]), bool(finite[slot])

    def _reports(self, ready: list[tuple[int, LaneRun]]) -> list[LaneEvent]:
        """Evaluate these runs, and let them train to their next reports."""
        if not ready:
            return []
        slots = [slot for slot, _ in ready]
        with ExitStack() as clocks:
            for _, run in ready:
                clocks.enter_context(run.writer.clock.counting("eval_seconds", len(ready)))
            totals = self._bank.evaluate(slots)
        events = [
            LaneEvent(run, "report", self._bank.get(slot), validation)
            for (slot, run), validation in zip(ready, totals, strict=True)
        ]
        self._bank.clear_sums(slots)
        for _, run in ready:
            run.target = run.writer.next_report(run.step)
        return events

    def _resize(self, runs: int) -> None:
        """Give the bank the size for this many runs, and move the present ones to its first slots."""
        size = bank_size(runs, self._max_lanes)
        kept = [slot for slot, _ in self._taken]
        if kept:
            self._bank.arrange(kept, size)
        self._slots = [*(self._slots[slot] for slot in kept), *[None] * (size - len(kept))]
