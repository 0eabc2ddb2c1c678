"""The residual block around a recurrence: normalise, recur, mix, skip (the paper's Figure 1)."""

from typing import Literal, Protocol

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

from lru_tune.models.batch_norm import Affine, BatchNorm
from lru_tune.models.dropout import Dropout
from lru_tune.models.gated_linear_unit import GatedLinearUnit
from lru_tune.models.recurrence import LRU
from lru_tune.ops.native.block import BlockInputs, BlockWeights, Keep, native_block
from lru_tune.ops.states import last_steps


class Recurrence(Protocol):
    """What a block takes for its recurrence: `LRU`, `DenseRNN`."""

    def recur(self, u: Array, last: int | None = None) -> Array:
        """Map (T, B, H) to (T, B, H), or to the last steps of it."""


class Block(nn.Module):
    """One residual block.

    Attributes:
      recurrence: maps (T, B, H) to (T, B, H).
      norm, norm_position, norm_momentum: as in `ModelConfig`.
      glu: kind of `GatedLinearUnit`.
      dropout: probability, see `Dropout`.
      has_dropout: whether a dropout mask is drawn at all in training.
      mode: `train` uses batch statistics and drops; `eval` uses running averages.
      last: how many of the last steps are returned, None for all; the others are not computed where
        possible. Batch norm after the sum takes its statistics from what is returned.
      native: what a block in C++ keeps for the backward pass; None for JAX operations. C++ computes the
        same function, to rounding, for a one-way LRU without layer norm.
    """

    recurrence: Recurrence
    norm: Literal["batch", "layer"]
    norm_position: Literal["pre", "post"]
    norm_momentum: float
    glu: Literal["full", "half"]
    dropout: float | Array
    has_dropout: bool
    mode: Literal["train", "eval"]
    last: int | None = None
    native: Keep | None = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Map (T, B, H) to (T, B, H), or to its last steps; a batch in groups, (G, T, B / G, H), likewise."""
        # Without the barrier the compiler computes the gradient of x again wherever it is used, through all
        # layers above.
        x = lax.optimization_barrier(x)
        draw = Dropout(self.dropout, self.mode if self.has_dropout else "off")
        masks = [draw(x.size // x.shape[-3] // x.shape[-1], x.shape[-1]) for _ in range(2)]
        before = self.norm_position == "pre"
        statistics = self._statistics(x) if before else None
        if self.native is not None:
            x = self._add_natively(self.native, statistics, x, *masks)
        elif x.ndim == 4:
            x = self._add_in_groups(statistics, x, *masks)
        else:
            x = self._add(statistics, x, *masks)
        return x if before else self._normalise(self._statistics(x), x)

    def _add(
        self, statistics: Affine | None, x: Array, mask_states: Array, mask_mixed: Array
    ) -> Array:
        """Normalise, recur, mix features and add that to x (T, B, H); masks (1, B, H)."""
        y = self._normalise(statistics, x) if self.norm_position == "pre" else x
        y = nn.gelu(self.recurrence.recur(y, self.last)) * mask_states
        return last_steps(x, self.last) + self._glu()(y) * mask_mixed

    def _statistics(self, x: Array) -> Affine | None:
        """Return the map of a norm that looks at the whole batch; None for layer norm."""
        if self.norm == "layer":
            return None
        return BatchNorm(self.mode, self.norm_momentum, name="norm")(x)

    def _normalise(self, statistics: Affine | None, x: Array) -> Array:
        return nn.LayerNorm(name="norm")(x) if statistics is None else statistics(x)

    def _glu(self) -> GatedLinearUnit:
        return GatedLinearUnit(self.glu, name="glu")

    def _add_in_groups(
        self, statistics: Affine | None, x: Array, mask_states: Array, mask_mixed: Array
    ) -> Array:
        """Like `_add`, one group of sequences after the other, each computed again in the backward pass.

        Only what enters a group is kept: the same function in less memory.
        """
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

    def _add_natively(
        self, keep: Keep, statistics: Affine | None, x: Array, mask_states: Array, mask_mixed: Array
    ) -> Array:
        """Like `_add`, in C++."""
        if not isinstance(self.recurrence, LRU):
            raise TypeError(f"a native block has an LRU, got {type(self.recurrence).__name__}")
        width = x.shape[-1]
        identity = Affine(jnp.zeros(width), jnp.ones(width), jnp.zeros(width))
        (recurrence,) = self.recurrence.directions()
        mix, mix_bias = self._glu().weights(width)
        weights = BlockWeights(
            *(statistics or identity),
            decay=recurrence.decay,
            enter=recurrence.enter.T,
            read=recurrence.read,
            skip=self.recurrence.D,
            mix=mix,
            mix_bias=mix_bias,
        )
        inputs = BlockInputs(x, mask_states[0], mask_mixed[0])
        return native_block(weights, inputs, last=self.last, keep=keep)


def split_batch(x: Array, groups: int) -> Array:
    """Turn (T, B, H) into (G, T, B / G, H)."""
    return x.reshape(x.shape[0], groups, -1, x.shape[-1]).swapaxes(0, 1)


def join_batch(x: Array) -> Array:
    """Turn (G, T, B / G, H) back into (T, B, H)."""
    return x.swapaxes(0, 1).reshape(x.shape[1], -1, x.shape[-1])
