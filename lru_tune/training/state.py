"""The arrays that compiled programs take and return."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from lru_tune.config.schema import DataConfig
from lru_tune.data.batches import take_examples
from lru_tune.data.store import PreparedTask, SplitName

Params = dict[str, Any]


class Sums(NamedTuple):
    """Totals over predictions; scalars float32."""

    loss: Array
    correct: Array
    predictions: Array

    @staticmethod
    def zero() -> "Sums":
        """Return empty totals."""
        return Sums(jnp.float32(0), jnp.float32(0), jnp.float32(0))

    def means(self) -> tuple[float, float]:
        """Return mean loss and accuracy."""
        loss, correct, predictions = (float(total) for total in self)
        return loss / predictions, correct / predictions


class TrainState(NamedTuple):
    """Everything that training changes; a checkpoint holds all of it.

    Attributes:
      params, batch_stats: the network's variables.
      moments: Adam's state, as optax has it.
      step: int32, optimiser steps done.
      sums: totals of the training loss since the last report.
      finite: bool, whether every loss and gradient so far was finite; training stops at the first that is
        not.
    """

    params: Params
    batch_stats: Params
    moments: Any
    step: Array
    sums: Sums
    finite: Array


class Batches(NamedTuple):
    """Examples of a split on the device; shapes and dtypes as in `lru_tune.data.batches.Examples`."""

    inputs: Array
    targets: Array
    lengths: Array


def load_split(task: PreparedTask, split: SplitName, data: DataConfig) -> Batches:
    """Return the examples of a split that `data` asks for, on the device."""
    examples = take_examples(task.split(split), data.reads().get(split), data.max_length)
    return Batches(*(jax.device_put(np.asarray(part)) for part in examples))
