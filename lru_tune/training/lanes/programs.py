"""Lanes: runs that share a program and data, trained side by side by one call of a compiled program.

A lane is a run's TrainState and hyperparameters, one index of stacked arrays. Nothing flows between
lanes: every operation of a step is batched over them (`jax.vmap`), so that each keeps its own step
counter, rates, seed and soundness, and a lane that has taken its steps waits unchanged for the others.
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
from lru_tune.training.programs.executable_cache import KeptProgram
from lru_tune.training.state import Batches, Sums, TrainState

# Banks grow and shrink between these sizes, so that few programs are compiled. A lane without a run costs
# time like any other, but little where lanes are worth having: on a device that one run leaves idle.
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
      clear: Lanes, told (L,) -> Lanes, the totals since the last report zero where told. The lanes passed
        in are consumed.
    """

    train: KeptProgram
    evaluate: KeptProgram
    get: Callable[[Lanes, Array], Lanes]
    put: Callable[[Lanes, Array, Lanes], Lanes]
    arrange: Callable[[Lanes, Array], Lanes]
    clear: Callable[[Lanes, Array], Lanes]


@lru_cache(maxsize=8)
def lane_programs(made: Programs) -> LanePrograms:
    """Build the programs of lanes from those of a run alone."""

    def train(lanes: Lanes, data: Batches, batches: Array, counts: Array) -> Lanes:
        side_by_side = jax.vmap(made.train, in_axes=(0, 0, None, 0, None, 0))
        first = jnp.int32(0)
        state = side_by_side(lanes.state, lanes.hyper, data, batches, first, counts)
        return lanes._replace(state=state)

    def evaluate(lanes: Lanes, data: Batches) -> Sums:
        side_by_side = jax.vmap(made.evaluate, in_axes=(0, 0, None))
        return side_by_side(lanes.state.params, lanes.state.batch_stats, data)

    def get(lanes: Lanes, slot: Array) -> Lanes:
        return jax.tree.map(lambda every: every[slot], lanes)

    def put(lanes: Lanes, slot: Array, lane: Lanes) -> Lanes:
        return jax.tree.map(lambda every, one: every.at[slot].set(one), lanes, lane)

    def clear(lanes: Lanes, told: Array) -> Lanes:
        sums = jax.tree.map(lambda total: jnp.where(told, 0.0, total), lanes.state.sums)
        return lanes._replace(state=lanes.state._replace(sums=sums))

    return LanePrograms(
        train=made.train.derived("lanes_train", lambda: jax.jit(train, donate_argnums=0)),
        evaluate=made.evaluate.derived("lanes_evaluate", lambda: jax.jit(evaluate)),
        get=jax.jit(get),
        put=jax.jit(put, donate_argnums=0),
        arrange=jax.jit(get),
        clear=jax.jit(clear, donate_argnums=0),
    )


def bank_size(lanes: int, most: int) -> int:
    """Return how many lanes a bank is given for so many runs: a power of SIZE_FACTOR, at most `most`."""
    size = 1
    while size < lanes:
        size *= SIZE_FACTOR
    return min(size, most)


def common_count(remaining: Sequence[int], most: int) -> int:
    """Return how many steps a dispatch goes, for lanes that have so many left to their next reports.

    To the nearest report, so that no lane waits for others; but not less than an eighth of `most`, so that
    lanes whose reports fall at many different steps do not cut training into dispatches of a step.
    """
    under_way = [steps for steps in remaining if steps > 0]
    if not under_way:
        return 0
    return min(most, max(under_way), max(min(under_way), most // 8))


class Standing(NamedTuple):
    """Where lanes stand after a dispatch, on the host: step (L,) and sound (L,)."""

    step: np.ndarray
    sound: np.ndarray


class LaneBank:
    """The lanes of one program on the device, addressed by their slots."""

    def __init__(self, made: Programs, train: Batches, val: Batches) -> None:
        self._made = made
        self._programs = lane_programs(made)
        self._train, self._val = train, val
        self._lanes: Lanes | None = None

    @property
    def size(self) -> int:
        """How many lanes there are, with a run in them or not."""
        return 0 if self._lanes is None else len(self._lanes.state.step)

    def put(self, slot: int, lane: Lanes) -> None:
        """Put a run into a lane, whatever was there before; the first one makes a bank of one lane."""
        if self._lanes is None:
            self._lanes = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], lane)
        else:
            self._lanes = self._programs.put(self._lanes, jnp.int32(slot), lane)

    def get(self, slot: int) -> Lanes:
        """Return a copy of the run in a lane, on the device."""
        return self._programs.get(self._stacked, jnp.int32(slot))

    def arrange(self, slots: Sequence[int], size: int) -> None:
        """Keep the runs of these slots, in this order from slot 0, in a bank of another size."""
        padded = [*slots, *[slots[0]] * (size - len(slots))]
        self._lanes = self._programs.arrange(self._stacked, jnp.asarray(padded, jnp.int32))

    def train(self, batches: np.ndarray, counts: np.ndarray) -> Standing:
        """Take steps in all lanes at once and wait for them.

        Args:
          batches: (L, S, B) int32, the examples of each lane's next batches.
          counts: (L,) int32, steps each lane takes, from 0 to S.
        """
        self._lanes = self._programs.train(self._stacked, self._train, batches, counts)
        return Standing(*jax.device_get((self._lanes.state.step, self._lanes.state.sound)))

    def evaluate(self, slots: Sequence[int]) -> list[Sums]:
        """Return each lane's totals over the validation split: all lanes at once, or few one by one."""
        if len(slots) * SIZE_FACTOR < self.size:
            lanes = [self.get(slot).state for slot in slots]
            few = [self._made.evaluate(x.params, x.batch_stats, self._val) for x in lanes]
            return jax.device_get(few)
        sums = jax.device_get(self._programs.evaluate(self._stacked, self._val))
        return [jax.tree.map(lambda total, slot=slot: total[slot], sums) for slot in slots]

    def clear_sums(self, slots: Sequence[int]) -> None:
        """Begin the totals of the training loss anew in some lanes, after their reports."""
        told = np.zeros(self.size, bool)
        told[list(slots)] = True
        self._lanes = self._programs.clear(self._stacked, jnp.asarray(told))

    @property
    def _stacked(self) -> Lanes:
        if self._lanes is None:
            raise ValueError("the bank has no lanes yet; put a run into slot 0 first")
        return self._lanes
