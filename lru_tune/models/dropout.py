"""Dropout as the paper's reference implementation has it."""

from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array


class Dropout(nn.Module):
    """Dropout with one mask per sequence and feature, shared by all time steps.

    Attributes:
      rate: probability of a zero, in [0, 1); a number or a traced scalar, so that trials with different
        rates share one compiled program.
      mode: `train` drops, `eval` does not, `off` is for networks without dropout.
    """

    rate: float | Array
    mode: Literal["train", "eval", "off"]

    @nn.compact
    def __call__(self, batch: int, width: int) -> Array:
        """Return the mask to multiply (T, B, H) with, (1, B, H): 0 or 1 / (1 - rate)."""
        if self.mode != "train":
            return jnp.ones((1, batch, width))
        keep = 1.0 - self.rate
        return jax.random.bernoulli(self.make_rng("dropout"), keep, (1, batch, width)) / keep
