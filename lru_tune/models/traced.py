"""The model's hyperparameters that a compiled program takes as arguments."""

from typing import NamedTuple

from jax import Array


class Traced(NamedTuple):
    """The model's hyperparameters that do not change its shapes; numbers or traced scalars."""

    r_min: Array | float
    r_max: Array | float
    max_phase: Array | float
    dropout: Array | float
