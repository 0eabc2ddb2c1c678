"""What goes into the compiled programs of a run and comes out of them."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

Params = dict[str, Any]


class Sums(NamedTuple):
    """Totals since the last report; scalars float32."""

    loss: Array
    correct: Array
    predictions: Array

    @staticmethod
    def zero() -> "Sums":
        """Return empty totals."""
        return Sums(jnp.float32(0), jnp.float32(0), jnp.float32(0))


class TrainState(NamedTuple):
    """Everything that training changes; a checkpoint holds it whole.

    Attributes:
      params, batch_stats: the network's variables.
      moments: Adam's state, as optax has it.
      step: int32, optimiser steps done.
      sums: totals of the training loss since the last report.
      sound: whether every loss and gradient so far was finite; training stops where it turns False.
    """

    params: Params
    batch_stats: Params
    moments: Any
    step: Array
    sums: Sums
    sound: Array


class Batches(NamedTuple):
    """Examples on the device: as in `lru_tune.data.batches.Examples`."""

    inputs: Array
    targets: Array
    lengths: Array
