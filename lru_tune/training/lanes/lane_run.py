"""A run in a lane: its next batches, its next report, and what is written when it gets there."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lru_tune.config.schema import RunConfig
from lru_tune.data.batches import epoch_order
from lru_tune.data.store import PreparedTask
from lru_tune.errors import Diverged
from lru_tune.files import run_directory as runs
from lru_tune.files.run_directory import Report
from lru_tune.training.divergence import divergence
from lru_tune.training.lanes.programs import Lanes
from lru_tune.training.programs.compiled import programs_of
from lru_tune.training.run_writer import RunWriter
from lru_tune.training.state import Batches, Sums, TrainState, load_split


@dataclass(frozen=True, eq=False)
class LaneData:
    """Training and validation split on the device, shared by all lanes that read the same examples."""

    train: Batches
    val: Batches

    @staticmethod
    def load(config: RunConfig, task: PreparedTask) -> "LaneData":
        """Load the examples that a configuration asks for; the test split is not opened."""
        return LaneData(
            load_split(task, "train", config.data), load_split(task, "val", config.data)
        )


class LaneRun:
    """A run that is trained in a lane.

    It trains ahead to its next report while a client handles the last one, but evaluates and writes the
    report only on request. So a run that is stopped at a report has written nothing later, as if it had
    been trained alone.

    Attributes:
      writer: writes its run directory; its `step` is that of the last report.
      programs: of its network.
      data: its splits.
      initial: its state and hyperparameters until it is put into a bank.
      step: optimiser steps done on the device.
      target: the step of its next report.
      finite: whether every step so far was finite.
      report_requested: whether a client waits for the next report.
      writing: whether an event of this run is being written, or could not be.
    """

    def __init__(
        self, config: RunConfig, task: PreparedTask, run_dir: Path, data: LaneData
    ) -> None:
        self.writer = RunWriter(config, task, run_dir)
        self.programs = programs_of(self.writer.config)
        self.data = data
        self.initial = Lanes(self.writer.restore(self.programs), self.writer.hyper)
        self.step = self.writer.step
        self.target = self.writer.next_report(self.step)
        self.finite, self.report_requested, self.writing = True, False, False

        @lru_cache(maxsize=1)
        def order(epoch: int) -> np.ndarray:
            examples, batch_size = len(data.train.targets), config.data.batch_size
            return epoch_order(config.seed, epoch, examples, batch_size)

        self._order = order

    @property
    def remaining(self) -> int:
        """Steps it can take now."""
        return self.target - self.step if self.finite else 0

    @property
    def report_is_ready(self) -> bool:
        """Whether the requested report, or the divergence in its place, needs no further step."""
        return self.report_requested and self.remaining == 0 and not self.writing

    @property
    def needs_checkpoint(self) -> bool:
        """Whether its last checkpoint is old; at a report's step one is written with the report."""
        return self.remaining > 0 and not self.writing and self.writer.checkpoint_is_due()

    def next_batches(self, count: int) -> np.ndarray:
        """Return the examples of the next `count` batches, (count, B) int32, across the ends of epochs."""
        per_epoch = self.writer.steps_per_epoch
        parts, step, end = [], self.step, self.step + count
        while step < end:
            epoch, first = divmod(step, per_epoch)
            last = min(per_epoch, first + end - step)
            parts.append(self._order(epoch)[first:last])
            step += last - first
        return np.concatenate(parts)

    def write(self, event: "LaneEvent") -> Report | Diverged | None:
        """Write what an event calls for; return what the client gets, None after a mere checkpoint."""
        outcome = self._write(event, jax.device_get(event.lane.state))
        self.writing = False
        return outcome

    def _write(self, event: "LaneEvent", state: TrainState) -> Report | Diverged | None:
        if event.kind == "checkpoint":
            self.writer.save(state)
            return None
        self.writer.step = int(state.step)
        if event.validation is None:
            batch = jnp.asarray(self.next_batches(1)[0])
            return divergence(self.programs, state, self.writer.hyper, self.data.train, batch)
        try:
            return self.writer.report(state, event.validation)
        except Diverged as error:
            return error

    def finish(self, status: runs.Status, **fields: Any) -> None:
        """Write result.json, as of the last report; of what lanes do together, the run counts its share."""
        own = sum(self.writer.clock.seconds().values())
        self.writer.finish(status, **{runs.DEVICE_SECONDS: own} | fields)


class LaneEvent(NamedTuple):
    """A lane at a step where something must be written.

    Attributes:
      run: the run in the lane.
      kind: a report, a step that was not finite, or only an old checkpoint.
      lane: its state there, on the device.
      validation: totals over the validation split, for a report.
    """

    run: LaneRun
    kind: Literal["report", "divergence", "checkpoint"]
    lane: Lanes
    validation: Sums | None = None
