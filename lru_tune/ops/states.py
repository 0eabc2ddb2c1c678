"""The ways to compute the states of a diagonal recurrence.

All compute y_k = Re[C x_k] with x_k = lambda x_{k-1} + B u_k from x_0 = 0. They differ in what is held in
memory for the backward pass, and `online` in the gradient that it takes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Literal

from jax import Array

from lru_tune.ops.layer_weights import LayerWeights
from lru_tune.ops.native.block import Keep
from lru_tune.ops.online_scan import OnlineSums, online_scan
from lru_tune.ops.projection import project
from lru_tune.ops.recomputed_states import recomputed_layer
from lru_tune.ops.scan.linear_scan import linear_scan


@dataclass(frozen=True)
class ComputeMethod:
    """How a network is computed: the same outputs, at another cost in time and memory.

    Attributes:
      states: how the states of diagonal recurrences are computed, a key of STATES.
      scan: how they go through time, a key of SCAN_BACKENDS or `auto`.
      online_sums: how `online` takes its sums over time, a key of `lru_tune.ops.online_scan.SUMS`.
      native: what a residual block in C++ keeps for the backward pass; None for blocks of JAX operations.
        A block in C++ computes its states by itself, so that `states` and `scan` have no effect.
      groups: parts of a training batch that go through a block one after the other, each computed again in
        the backward pass; it divides the batch, with documents counted singly.
    """

    states: Literal["kept", "recomputed", "online"] = "kept"
    scan: str = "auto"
    online_sums: OnlineSums = "traces"
    native: Keep | None = None
    groups: int = 1


DEFAULT_METHOD = ComputeMethod()


def last_steps(x: Array, count: int | None) -> Array:
    """Return the last `count` steps of (T, B, F), or all of them for None."""
    return x if count is None else x[-count:]


def kept(
    directions: Sequence[LayerWeights], u: Array, method: ComputeMethod, last: int | None
) -> Array:
    """Keep all states in memory for the backward pass: the least work."""
    decay, enter, _ = directions[0]  # both directions have the same lambda and B
    drive = project(u, enter.T)  # B u_k, (T, B, 2N)

    def outputs(weights: LayerWeights, reverse: bool) -> Array:
        states = linear_scan(decay, drive, backend=method.scan, reverse=reverse)
        return project(last_steps(states, last), weights.read)

    return _sum_over(directions, outputs)


def recomputed(
    directions: Sequence[LayerWeights], u: Array, method: ComputeMethod, last: int | None
) -> Array:
    """Hold the states of one chunk of time only, and compute them again in the backward pass."""

    def outputs(weights: LayerWeights, reverse: bool) -> Array:
        return last_steps(recomputed_layer(weights, u, backend=method.scan, reverse=reverse), last)

    return _sum_over(directions, outputs)


def online(
    directions: Sequence[LayerWeights], u: Array, method: ComputeMethod, last: int | None
) -> Array:
    """Take the gradients of real-time recurrent learning, which never goes back in time."""
    if len(directions) > 1:
        raise ValueError("a bidirectional layer cannot learn online")
    (weights,) = directions
    states = online_scan(
        weights.decay, weights.enter, u, sums=method.online_sums, backend=method.scan
    )
    return project(last_steps(states, last), weights.read)


def _sum_over(
    directions: Sequence[LayerWeights], outputs: Callable[[LayerWeights, bool], Array]
) -> Array:
    return reduce(add, map(outputs, directions, (False, True)))


# (weights of each direction, forward first; u (T, B, H); the method; how many of the last steps are returned,
# None for all) -> Re[C x] (T, B, G), summed over the directions.
STATES = {"kept": kept, "recomputed": recomputed, "online": online}
