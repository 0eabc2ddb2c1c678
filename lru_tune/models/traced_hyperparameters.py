"""The hyperparameters of a network that a compiled program takes as arguments."""

from typing import NamedTuple

from jax import Array


class TracedHyperparameters(NamedTuple):
    """Hyperparameters that change no shape, so that trials which differ in them share a program.

    Attributes:
      r_min, r_max: smallest and largest modulus of lambda at initialisation, in [0, 1].
      max_phase: largest phase of lambda at initialisation, in radians.
      dropout: probability of a zero, in [0, 1).
    """

    r_min: Array | float
    r_max: Array | float
    max_phase: Array | float
    dropout: Array | float
