"""Numbers that differ between trials without a new compilation: they enter programs as arguments."""

from collections.abc import Callable
from typing import NamedTuple, cast

import numpy as np
from jax import Array

from lru_tune.config.schema import DiagonalRecurrence, RunConfig
from lru_tune.models.traced_hyperparameters import TracedHyperparameters

# Scalars of NumPy, which programs take as they take arrays; to make arrays of them takes programs of its own.
float32 = cast(Callable[[float], Array], np.float32)
int32 = cast(Callable[[int], Array], np.int32)


class Hyperparameters(NamedTuple):
    """Scalars (float32, but int32 for steps and seed) read by the compiled programs.

    Attributes:
      model: the traced hyperparameters of the network.
      learning_rate: peak rate of the fast group.
      recurrent_lr_factor: slow group's rate over the fast group's.
      weight_decay: of the fast group.
      lr_min: rate at the start of warm-up and at the end of the cosine.
      warmup_steps, total_steps: optimiser steps.
      cosine: 1 for a cosine after the warm-up, 0 for a constant rate.
      max_grad_norm: global norm that gradients are clipped to; infinite for never.
      seed: of initialisation and dropout.
    """

    model: TracedHyperparameters
    learning_rate: Array
    recurrent_lr_factor: Array
    weight_decay: Array
    lr_min: Array
    warmup_steps: Array
    total_steps: Array
    cosine: Array
    max_grad_norm: Array
    seed: Array


def hyperparameters(config: RunConfig) -> Hyperparameters:
    """Collect the traced fields of a configuration whose `steps` are resolved."""
    if config.steps is None:
        raise ValueError("the length of the run is not resolved; see RunConfig.with_length")
    recurrence = config.model.recurrence
    if not isinstance(recurrence, DiagonalRecurrence):
        recurrence = DiagonalRecurrence()  # a dense recurrence has no ring; its values are not read
    optim = config.optim
    traced = TracedHyperparameters(
        r_min=float32(recurrence.r_min),
        r_max=float32(recurrence.r_max),
        max_phase=float32(recurrence.max_phase),
        dropout=float32(config.model.dropout),
    )
    return Hyperparameters(
        model=traced,
        learning_rate=float32(optim.learning_rate),
        recurrent_lr_factor=float32(optim.recurrent_lr_factor),
        weight_decay=float32(optim.weight_decay),
        lr_min=float32(optim.lr_min),
        warmup_steps=int32(round(optim.warmup_fraction * config.steps)),
        total_steps=int32(config.steps),
        cosine=float32(optim.schedule == "cosine"),
        max_grad_norm=float32(optim.max_grad_norm or np.inf),
        seed=int32(config.seed),
    )
