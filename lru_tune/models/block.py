"""The residual block around a recurrence: normalise, recur, mix, skip (the paper's Figure 1)."""

from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array, lax

from lru_tune.models.batch_norm import Affine, BatchNorm
from lru_tune.models.recurrence import LRU
from lru_tune.ops.native.block import BlockInputs, BlockWeights, Keep, native_block


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
        """Return what (T, B, H) is to be multiplied by, (1, B, H)."""
        if self.mode != "train":
            return jnp.ones((1, batch, width))
        keep = 1.0 - self.rate
        return jax.random.bernoulli(self.make_rng("dropout"), keep, (1, batch, width)) / keep


class Mixing(nn.Module):
    """Parameters of a dense layer over features, without its use.

    Attributes:
      width: features out, G.
    """

    width: int

    @nn.compact
    def __call__(self, features: int) -> tuple[Array, Array]:
        """Return `kernel` (H, G) and `bias` (G,), drawn as flax's Dense draws them."""
        kernel = self.param(
            "kernel", nn.initializers.lecun_normal(), (features, self.width), jnp.float32
        )
        return kernel, self.param("bias", nn.initializers.zeros, (self.width,), jnp.float32)


def split_batch(x: Array, groups: int) -> Array:
    """Turn (T, B, H) into (G, T, B / G, H)."""
    return x.reshape(x.shape[0], groups, -1, x.shape[-1]).swapaxes(0, 1)


def join_batch(x: Array) -> Array:
    """Turn (G, T, B / G, H) back into (T, B, H)."""
    return x.swapaxes(0, 1).reshape(x.shape[1], -1, x.shape[-1])


class Block(nn.Module):
    """One residual block.

    A batch given in groups is gone through group by group, each computed again in the backward pass: the
    same function in less memory, since only what enters a block is kept.

    Attributes:
      recurrence: module mapping (T, B, H) to (T, B, H).
      norm, norm_position, norm_momentum, glu: as in `ModelConfig`. `full` is (W1 x + b1) * sigmoid(W2 x +
        b2), `half` is x * sigmoid(W2 x + b2).
      dropout: probability, see `Dropout`.
      mode: `train` uses batch statistics and drops; `eval` uses running averages.
      has_dropout: whether a dropout mask is drawn at all in training.
      native: None for operations of JAX; otherwise the block is one of C++, for a one-way LRU without layer
        norm, and what that keeps for the backward pass. The same function, to rounding.
    """

    recurrence: nn.Module
    norm: Literal["batch", "layer"]
    norm_position: Literal["pre", "post"]
    norm_momentum: float
    glu: Literal["full", "half"]
    dropout: float | Array
    has_dropout: bool
    mode: Literal["train", "eval"]
    native: Keep | None = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Map (T, B, H) to (T, B, H), or to the steps that the recurrence returns.

        With groups, (G, T, B / G, H) instead.
        """
        # Its gradient is kept, or the compiler makes it anew, from the last layer on, wherever it is used.
        x = lax.optimization_barrier(x)
        draw = Dropout(self.dropout, self.mode if self.has_dropout else "off")
        masks = [draw(x.size // x.shape[-3] // x.shape[-1], x.shape[-1]) for _ in range(2)]
        first = self.norm_position == "pre"
        statistics = self._statistics(x) if first else None
        if self.native is not None:
            x = self._add_natively(self.native, statistics, x, *masks)
        elif x.ndim == 3:
            x = self._add(statistics, x, *masks)
        else:
            x = self._add_in_groups(statistics, x, *masks)
        return x if first else self._normalise(self._statistics(x), x)

    def _statistics(self, x: Array) -> Affine | None:
        """Return what the norm takes from the whole batch; None for one that looks at single steps."""
        if self.norm == "layer":
            return None
        return BatchNorm(self.mode, self.norm_momentum, name="norm")(x)

    def _normalise(self, statistics: Affine | None, x: Array) -> Array:
        return nn.LayerNorm(name="norm")(x) if statistics is None else statistics(x)

    def _add(
        self, statistics: Affine | None, x: Array, mask_states: Array, mask_mixed: Array
    ) -> Array:
        """Normalise, recur, mix features and add that to x (T, B, H); masks (1, B, H)."""
        y = self._normalise(statistics, x) if self.norm_position == "pre" else x
        y = nn.gelu(self.recurrence(y)) * mask_states
        x = x[-y.shape[0] :]
        # The mixing is per step: over one long axis its gradients are faster than over time and batch.
        y = y.reshape(-1, x.shape[-1])
        kernel, bias = self._mixing(x.shape[-1])
        mixed = y @ kernel + bias[None, :]
        value, gate = jnp.split(mixed, 2, axis=-1) if self.glu == "full" else (y, mixed)
        return x + (value * jax.nn.sigmoid(gate)).reshape(x.shape) * mask_mixed

    def _mixing(self, width: int) -> tuple[Array, Array]:
        return Mixing(2 * width if self.glu == "full" else width, name="glu")(width)

    def _add_natively(
        self, keep: Keep, statistics: Affine | None, x: Array, mask_states: Array, mask_mixed: Array
    ) -> Array:
        """Like `_add`, for x (T, B, H)."""
        if not isinstance(self.recurrence, LRU):
            raise TypeError(f"a native block has an LRU, got {type(self.recurrence).__name__}")
        width = x.shape[-1]
        none = Affine(jnp.zeros(width), jnp.ones(width), jnp.zeros(width))
        recurrence = self.recurrence.weights()
        mix, mix_bias = self._mixing(width)
        weights = BlockWeights(
            *(statistics or none),
            decay=recurrence.decay,
            enter=recurrence.enter.T,
            read=recurrence.read,
            skip=self.recurrence.skip,
            mix=mix,
            mix_bias=mix_bias,
        )
        inputs = BlockInputs(x, mask_states[0], mask_mixed[0])
        return native_block(weights, inputs, last=self.recurrence.last, keep=keep)

    def _add_in_groups(
        self, statistics: Affine | None, x: Array, mask_states: Array, mask_mixed: Array
    ) -> Array:
        """Like `_add`, one group of sequences after the other; only what enters a group is kept."""
        masks = [split_batch(mask, len(x)) for mask in (mask_states, mask_mixed)]

        def add(
            block: Block, statistics: Affine | None, group: tuple[Array, ...]
        ) -> tuple[Affine | None, Array]:
            return statistics, block._add(statistics, *group)

        scan = nn.scan(
            nn.remat(add, prevent_cse=False),
            variable_broadcast="params",
            split_rngs={"params": False},
        )
        return scan(self, statistics, (x, *masks))[1]
