"""The matrices that a diagonal recurrence computes with, as real arrays."""

from typing import NamedTuple

from jax import Array


class LayerWeights(NamedTuple):
    """Weights of y_k = Re[C x_k] with x_k = lambda x_{k-1} + B u_k; float32 or float64.

    Attributes:
      decay: lambda, (2N,), real parts beside imaginary parts.
      enter: B, (2N, H), real rows over imaginary rows.
      read: C, (2N, G), real rows of C^T over minus its imaginary rows, so that the planes of x times `read`
        are Re[C x].
    """

    decay: Array
    enter: Array
    read: Array
