"""The gated linear unit that mixes the features of a step."""

from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array


class GatedLinearUnit(nn.Module):
    """A gated linear unit (Dauphin et al. 2017) over the features of every step.

    Parameters: `kernel` (H, G) and `bias` (G,), drawn as flax's Dense draws them; G is 2H for `full`, H for
    `half`.

    Attributes:
      kind: `full` is (W1 x + b1) * sigmoid(W2 x + b2), `half` is x * sigmoid(W2 x + b2).
    """

    kind: Literal["full", "half"]

    def __call__(self, x: Array) -> Array:
        """Map (T, B, H) to (T, B, H)."""
        # One long axis instead of time and batch: the gradients of its product are faster.
        rows = x.reshape(-1, x.shape[-1])
        kernel, bias = self.weights(rows.shape[-1])
        mixed = rows @ kernel + bias[None, :]
        value, gate = jnp.split(mixed, 2, axis=-1) if self.kind == "full" else (rows, mixed)
        return (value * jax.nn.sigmoid(gate)).reshape(x.shape)

    @nn.compact
    def weights(self, features: int) -> tuple[Array, Array]:
        """Return kernel and bias for H features."""
        width = 2 * features if self.kind == "full" else features
        kernel = self.param(
            "kernel", nn.initializers.lecun_normal(), (features, width), jnp.float32
        )
        return kernel, self.param("bias", nn.initializers.zeros, (width,), jnp.float32)
