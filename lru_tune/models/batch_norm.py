"""Batch norm in two parts: the statistics of a whole batch, and their use on any part of it."""

from typing import Literal, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

EPSILON = 1e-5  # added to the variance, as in the reference implementations


class Affine(NamedTuple):
    """The map x -> (x - mean) * gain + bias; each (H,)."""

    mean: Array
    gain: Array
    bias: Array

    def __call__(self, x: Array) -> Array:
        """Map (..., H) to (..., H)."""
        mean, gain, bias = (jnp.expand_dims(part, range(x.ndim - 1)) for part in self)
        return (x - mean) * gain + bias


class BatchNorm(nn.Module):
    """flax's BatchNorm over the last axis, but it returns the map instead of applying it.

    The map can then be applied to one group of a batch after the other, so that normalised values are never
    kept. Parameters `scale`, `bias` (H,); running averages `mean`, `var` (H,) in `batch_stats`. Padding
    counts in the statistics, as in the reference implementations.

    Attributes:
      mode: `train` uses the batch's statistics and updates the running averages; `eval` uses the averages.
      momentum: weight of the old running averages in an update, in [0, 1).
    """

    mode: Literal["train", "eval"]
    momentum: float

    @nn.compact
    def __call__(self, x: Array) -> Affine:
        """Return the map that normalises x (..., H)."""
        width = x.shape[-1:]
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, width)
        running_var = self.variable("batch_stats", "var", jnp.ones, width)
        mean, var = running_mean.value, running_var.value
        if self.mode == "train":
            axes = tuple(range(x.ndim - 1))
            mean, square = jnp.mean(x, axis=axes), jnp.mean(lax.square(x), axis=axes)
            # One pass over x; rounding may leave the difference just below zero.
            var = jnp.maximum(square - lax.square(mean), 0.0)
            if not self.is_initializing():
                keep = self.momentum
                running_mean.value = keep * running_mean.value + (1.0 - keep) * mean
                running_var.value = keep * running_var.value + (1.0 - keep) * var
        scale = self.param("scale", nn.initializers.ones, width)
        bias = self.param("bias", nn.initializers.zeros, width)
        return Affine(mean, scale * lax.rsqrt(var + EPSILON), bias)
