"""A run in a lane: whose turn it is, which batches come next, and what is written when it arrives."""

from dataclasses import dataclass
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
from lru_tune.training.bookkeeping import Bookkeeper
from lru_tune.training.lanes.programs import Lanes
from lru_tune.training.loop import divergence, programs_of, to_device
from lru_tune.training.state import Batches, Sums, TrainState


@dataclass(frozen=True, eq=False)
class LaneData:
    """Training and validation split on the device, shared by all lanes that read the same."""

    train: Batches
    val: Batches

    @staticmethod
    def read(config: RunConfig, task: PreparedTask) -> "LaneData":
        """Bring what a configuration reads to the device; the test split is not opened."""
        data = config.data
        return LaneData(
            to_device(task, "train", data.train_examples, data.max_length),
            to_device(task, "val", data.val_examples, data.max_length),
        )


class LaneRun:
    """A run that is trained in a lane.

    It may train on while its reports are read, but never past the next one: that one is made when it is
    asked for. So a run that is stopped at a report has written that one last, as if it were alone.

    Attributes:
      book: keeps its run directory.
      programs: of its network.
      data: what it reads.
      first: its lane at the beginning, until it is put into a bank.
      step: optimiser steps done.
      target: the step of its next report.
      sound: whether every step so far was finite.
      asked: whether the next report is wanted.
      settling: whether something it has come to is being written, or could not be.
    """

    def __init__(
        self, config: RunConfig, task: PreparedTask, run_dir: Path, data: LaneData
    ) -> None:
        self.book = Bookkeeper(config, task, run_dir)
        self.programs = programs_of(self.book.config)
        self.data = data
        self.first = Lanes(self.book.open(self.programs), self.book.hyper)
        self.step = self._told = int(self.first.state.step)
        self.target = self.book.next_report(self.step)
        self.sound, self.asked, self.settling = True, False, False
        self._order: tuple[int, np.ndarray] | None = None

    @property
    def remaining(self) -> int:
        """Steps it can take now."""
        return self.target - self.step if self.sound else 0

    @property
    def has_arrived(self) -> bool:
        """Whether what was asked for can be made now, without another step."""
        return self.asked and self.remaining == 0 and not self.settling

    @property
    def needs_checkpoint(self) -> bool:
        """Whether its last checkpoint is old; at a report's step there is another with the report."""
        return self.remaining > 0 and not self.settling and self.book.is_due()

    def upcoming(self, count: int) -> np.ndarray:
        """Return the next `count` batches, (count, B) int32, across the ends of epochs."""
        per_epoch = self.book.steps_per_epoch
        parts, step = [], self.step
        while step < self.step + count:
            epoch, first = divmod(step, per_epoch)
            last = min(per_epoch, first + self.step + count - step)
            parts.append(self._epoch(epoch)[first:last])
            step += last - first
        return np.concatenate(parts)

    def settle(self, arrival: "Arrival") -> Report | Diverged | None:
        """Write what a lane has come to; return what its reader is told, nothing of a checkpoint."""
        told = self._settle(arrival, jax.device_get(arrival.lane.state))
        self.settling = False
        return told

    def _settle(self, arrival: "Arrival", state: TrainState) -> Report | Diverged | None:
        if arrival.kind == "checkpoint":
            self.book.save(state)
            return None
        self._told = int(state.step)
        if arrival.validation is None:
            batch = jnp.asarray(self.upcoming(1)[0])
            return divergence(self.programs, state, self.book.hyper, self.data.train, batch)
        try:
            return self.book.report(state, arrival.validation)
        except Diverged as error:
            return error

    def finish(self, status: runs.Status, **fields: Any) -> None:
        """Write result.json, as of what its reader was told last."""
        own = sum(self.book.clock.seconds().values())
        self.book.finish(status, self._told, **{runs.DEVICE_SECONDS: own} | fields)

    def _epoch(self, epoch: int) -> np.ndarray:
        if self._order is None or self._order[0] != epoch:
            config = self.book.config
            examples = self.data.train.targets.shape[0]
            order = epoch_order(config.seed, epoch, examples, config.data.batch_size)
            self._order = epoch, order
        return self._order[1]


class Arrival(NamedTuple):
    """A lane at something to be written.

    Attributes:
      run: whose it is.
      kind: a report, a step that was not finite, or only an old checkpoint.
      lane: its state there, on the device.
      validation: of a report, the totals over the validation split.
    """

    run: LaneRun
    kind: Literal["report", "divergence", "checkpoint"]
    lane: Lanes
    validation: Sums | None = None
