"""The residual block around a recurrence: normalise, recur, mix, skip (the paper's Figure 1)."""

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
    def __call__(self, x: Array) -> Array:
        """Map (T, B, H) to (T, B, H)."""
        if self.mode != "train":
            return x
        keep = 1.0 - self.rate
        mask = jax.random.bernoulli(self.make_rng("dropout"), keep, (1, *x.shape[1:]))
        return x * (mask / keep)


class Block(nn.Module):
    """One residual block.

    Attributes:
      recurrence: module mapping (T, B, H) to (T, B, H).
      norm, norm_position, norm_momentum, glu: as in `ModelConfig`. `full` is (W1 x + b1) * sigmoid(W2 x +
        b2), `half` is x * sigmoid(W2 x + b2).
      dropout: probability, see `Dropout`.
      mode: `train` uses batch statistics and drops; `eval` uses running averages.
      has_dropout: whether a dropout mask is drawn at all in training.
    """

    recurrence: nn.Module
    norm: Literal["batch", "layer"]
    norm_position: Literal["pre", "post"]
    norm_momentum: float
    glu: Literal["full", "half"]
    dropout: float | Array
    has_dropout: bool
    mode: Literal["train", "eval"]

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Map (T, B, H) to (T, B, H), or to the steps that the recurrence returns."""
        drop = Dropout(self.dropout, self.mode if self.has_dropout else "off")
        y = self._normalise(x) if self.norm_position == "pre" else x
        y = drop(nn.gelu(self.recurrence(y)))
        x = x[-y.shape[0] :]
        # The mixing is per step: over one long axis its gradients are faster than over time and batch.
        y = y.reshape(-1, x.shape[-1])
        if self.glu == "full":
            value, gate = jnp.split(nn.Dense(2 * x.shape[-1], name="glu")(y), 2, axis=-1)
        else:
            value, gate = y, nn.Dense(x.shape[-1], name="glu")(y)
        mixed = (value * jax.nn.sigmoid(gate)).reshape(x.shape)
        y = x + drop(mixed)
        return self._normalise(y) if self.norm_position == "post" else y

    def _normalise(self, x: Array) -> Array:
        if self.norm == "layer":
            return nn.LayerNorm(name="norm")(x)
        # Padding takes part in the statistics, as in the reference implementations.
        return nn.BatchNorm(
            use_running_average=self.mode == "eval", momentum=self.norm_momentum, name="norm"
        )(x)
