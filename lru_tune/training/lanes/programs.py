"""Lanes: runs that share a program and data, trained side by side by one call of a compiled program.

A lane is a run's TrainState and hyperparameters, one index of stacked arrays. Nothing flows between
lanes: every operation of a step is batched over them (`jax.vmap`). Each keeps its own step counter, rates and
seed, and a lane that has taken its steps, or whose step was not finite, waits unchanged for the others.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from lru_tune.training.hyperparameters import Hyperparameters
from lru_tune.training.programs.compiled import Programs
from lru_tune.training.programs.executable_cache import CachedProgram
from lru_tune.training.state import Batches, Sums, TrainState

# The sizes of banks are powers of this, so that few programs are compiled. A lane without a run takes as
# long as any other, but little where lanes are worth having: on a device that one run leaves idle.
SIZE_FACTOR = 4


class Lanes(NamedTuple):
    """Runs side by side; every leaf has a leading axis (L,). Without it, one run."""

    state: TrainState
    hyper: Hyperparameters


class LanePrograms(NamedTuple):
    """Compiled functions of lanes that share a network; one compilation for each number of lanes.

    Attributes:
      train: Lanes, Batches, batches (L, S, B), counts (L,) -> Lanes after `counts` steps, each lane on the
        first of its own batches, or fewer where one is not finite. The lanes passed in are consumed.
      evaluate: Lanes, Batches -> Sums (L,) over all examples.
      get: Lanes, slot -> that lane.
      put: Lanes, slot, lane -> Lanes. The lanes passed in are consumed.
      arrange: Lanes, slots (M,) -> Lanes (M,).
      clear: Lanes, reported (L,) -> Lanes, the totals since the last report zero there. The lanes passed
        in are consumed.
    """

    train: CachedProgram
    evaluate: CachedProgram
    get: Callable[[Lanes, Array], Lanes]
    put: Callable[[Lanes, Array, Lanes], Lanes]
    arrange: Callable[[Lanes, Array], Lanes]
    clear: Callable[[Lanes, Array], Lanes]


@lru_cache(maxsize=8)
def lane_programs(programs: Programs) -> LanePrograms:
    """Return the programs of lanes, built from those of a run that is trained alone."""

    def train(lanes: Lanes, data: Batches, batches: Array, counts: Array) -> Lanes:
        side_by_side = jax.vmap(programs.train, in_axes=(0, 0, None, 0, None, 0))
        first = jnp.int32(0)
        state = side_by_side(lanes.state, lanes.hyper, data, batches, first, counts)
        return lanes._replace(state=state)

    def evaluate(lanes: Lanes, data: Batches) -> Sums:
        side_by_side = jax.vmap(programs.evaluate, in_axes=(0, 0, None))
        return side_by_side(lanes.state.params, lanes.state.batch_stats, data)

    def get(lanes: Lanes, slot: Array) -> Lanes:
        return jax.tree.map(lambda every: every[slot], lanes)

    def put(lanes: Lanes, slot: Array, lane: Lanes) -> Lanes:
        return jax.tree.map(lambda every, one: every.at[slot].set(one), lanes, lane)

    def clear(lanes: Lanes, reported: Array) -> Lanes:
        sums = jax.tree.map(lambda total: jnp.where(reported, 0.0, total), lanes.state.sums)
        return lanes._replace(state=lanes.state._replace(sums=sums))

    return LanePrograms(
        train=programs.train.derived("lanes_train", lambda: jax.jit(train, donate_argnums=0)),
        evaluate=programs.evaluate.derived("lanes_evaluate", lambda: jax.jit(evaluate)),
        get=jax.jit(get),
        put=jax.jit(put, donate_argnums=0),
        arrange=jax.jit(get),
        clear=jax.jit(clear, donate_argnums=0),
    )


def bank_size(runs: int, max_lanes: int) -> int:
    """Return how many lanes a bank of `runs` runs has: a power of SIZE_FACTOR, at most `max_lanes`."""
    size = 1
    while size < runs:
        size *= SIZE_FACTOR
    return min(size, max_lanes)


def common_count(remaining: Sequence[int], most: int) -> int:
    """Return the steps of the next dispatch.

    It ends at the nearest report, so that no lane waits for others, but is not shorter than an eighth of
    `most`: lanes with reports at many different steps would else be trained step by step.

    Args:
      remaining: steps of each lane to its next report.
      most: steps of the longest dispatch.
    """
    positive = [steps for steps in remaining if steps > 0]
    if not positive:
        return 0
    return min(most, max(positive), max(min(positive), most // 8))


class LaneBank:
    """The lanes of one program on the device, addressed by their slots."""

    def __init__(self, programs: Programs, train: Batches, val: Batches) -> None:
        self._of_one = programs
        self._programs = lane_programs(programs)
        self._train, self._val = train, val
        self._lanes: Lanes | None = None

    @property
    def size(self) -> int:
        """How many lanes there are, those without a run included."""
        return 0 if self._lanes is None else len(self._lanes.state.step)

    def put(self, slot: int, lane: Lanes) -> None:
        """Put a run into a lane, in place of what it held; the first run makes a bank of one lane."""
        if self._lanes is None:
            self._lanes = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], lane)
        else:
            self._lanes = self._programs.put(self._lanes, jnp.int32(slot), lane)

    def get(self, slot: int) -> Lanes:
        """Return a copy of the run in a lane, on the device."""
        return self._programs.get(self._stacked, jnp.int32(slot))

    def arrange(self, slots: Sequence[int], size: int) -> None:
        """Move the runs of these slots, in this order from slot 0, into a bank of another size."""
        padded = [*slots, *[slots[0]] * (size - len(slots))]
        self._lanes = self._programs.arrange(self._stacked, jnp.asarray(padded, jnp.int32))

    def train(self, batches: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take steps in all lanes at once and wait for them.

        Args:
          batches: (L, S, B) int32, the examples of each lane's next batches.
          counts: (L,) int32, steps each lane takes, from 0 to S.

        Returns:
          Step (L,) int32 of every lane, and finite (L,) bool.
        """
        self._lanes = self._programs.train(self._stacked, self._train, batches, counts)
        state = self._lanes.state
        steps, finite = jax.device_get((state.step, state.finite))
        return steps, finite

    def evaluate(self, slots: Sequence[int]) -> list[Sums]:
        """Return the validation totals of some lanes: all lanes are evaluated at once, or few one by one."""
        if len(slots) * SIZE_FACTOR < self.size:
            lanes = [self.get(slot).state for slot in slots]
            few = [self._of_one.evaluate(x.params, x.batch_stats, self._val) for x in lanes]
            return jax.device_get(few)
        sums = jax.device_get(self._programs.evaluate(self._stacked, self._val))
        return [jax.tree.map(lambda total, slot=slot: total[slot], sums) for slot in slots]

    def clear_sums(self, slots: Sequence[int]) -> None:
        """Set the totals of the training loss to zero in some lanes, after their reports."""
        reported = np.zeros(self.size, bool)
        reported[list(slots)] = True
        self._lanes = self._programs.clear(self._stacked, jnp.asarray(reported))

    @property
    def _stacked(self) -> Lanes:
        if self._lanes is None:
            raise ValueError("the bank has no lanes yet; put a run into slot 0 first")
        return self._lanes
