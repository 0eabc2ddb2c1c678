"""Adam with a constant learning rate on a small problem."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
from jax import Array, lax

from lru_tune.training.optimizer import adam_moments

Params = TypeVar("Params")


def minimise(
    loss: Callable[[Params], Array],
    start: Params,
    rate: Array | float,
    steps: int,
    keep: Callable[[Params], Any] = lambda _: (),
) -> tuple[Array, Any]:
    """Minimise a loss with Adam (b1 0.9, b2 0.999, eps 1e-8); works under jit and vmap.

    Args:
      loss: parameters -> scalar.
      start: initial parameters.
      rate: learning rate.
      steps: number of steps.
      keep: parameters -> values to record before each step.

    Returns:
      Losses (steps,) before each step, and the recorded values, stacked along the same axis.
    """
    moments = adam_moments(b1=0.9, b2=0.999, eps=1e-8)

    def step(carry: tuple[Params, Any], _: None) -> tuple[tuple[Params, Any], tuple[Array, Any]]:
        params, state = carry
        value, gradient = jax.value_and_grad(loss)(params)
        direction, state = moments.update(gradient, state)
        moved = jax.tree.map(lambda x, d: x - rate * d, params, direction)
        return (moved, state), (value, keep(params))

    return lax.scan(step, (start, moments.init(start)), None, length=steps)[1]
