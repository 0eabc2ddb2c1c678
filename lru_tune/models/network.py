"""The whole network: encoder, residual blocks, pooling, head."""

from collections.abc import Callable
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from lru_tune.models.block import join_batch, split_batch
from lru_tune.ops.projection import project
from lru_tune.tasks import Channels, Task, Tokens


def masked_mean(x: Array, lengths: Array) -> Array:
    """Average (T, B, H) over the first `lengths` (B,) steps of each sequence; returns (B, H)."""
    mask = jnp.arange(x.shape[0])[:, None] < lengths[None, :]
    # A product with the mask would be batched, and XLA would first transpose x to (B, H, T).
    total = jnp.sum(jnp.where(mask[:, :, None], x, 0.0), axis=0)
    return total / lengths[:, None].astype(x.dtype)


def last_step(x: Array, lengths: Array) -> Array:
    """Take the last valid step of each sequence in (T, B, H); returns (B, H)."""
    return jnp.take_along_axis(x, (lengths - 1)[None, :, None].astype(jnp.int32), axis=0)[0]


def at_every_step(x: Array, weights: Array, *_: Any, **__: Any) -> Array:
    """Multiply like `lax.dot_general` in a dense layer, with the derivatives of `project`."""
    return project(x, weights)


def match_features(pair: Array) -> Array:
    """Return [a, b, a - b, a * b], (B, 4H), of two pooled documents (B, 2, H) (Tay et al. 2021)."""
    a, b = pair[:, 0], pair[:, 1]
    return jnp.concatenate([a, b, a - b, a * b], axis=-1)


POOLING: dict[str, Callable[[Array, Array], Array]] = {"mean": masked_mean, "last": last_step}


class Network(nn.Module):
    """Encoder, blocks, pooling and head for one task.

    For tasks that match two documents, both go through the same encoder, blocks and pooling, side by side in
    the batch; a layer of H gelu units reads the features of the pair before the head, as in S5.

    Attributes:
      task: what goes in and what is predicted.
      d_model: H.
      n_layers: residual blocks.
      make_block: layer number -> block, which maps (T, B, H) to (T, B, H); the last one may return only the
        scored steps.
      encoder: of token tasks; `onehot` is a dense layer on one-hot vectors, `embedding` a table.
      pooling: `mean`, `last`, or `none` for tasks that predict at every step.
      groups: parts of the batch that go through a block one after the other; divides the batch, with two
        documents counted as two.
    """

    task: Task
    d_model: int
    n_layers: int
    make_block: Callable[[int], nn.Module]
    encoder: Literal["onehot", "embedding"]
    pooling: Literal["mean", "last", "none"]
    groups: int = 1

    @nn.compact
    def __call__(self, inputs: Array, lengths: Array) -> Array:
        """Return logits.

        Args:
          inputs: (B, T) tokens, (B, 2, T) of two documents, or (B, T, F) channels, unsigned integers as
            stored.
          lengths: (B,) valid steps, or (B, 2) of two documents.

        Returns:
          Logits (B, C), or (S, B, O, C) for the last S = scored_steps steps of per-step tasks.
        """
        task = self.task
        if task.head == "match":
            inputs, lengths = inputs.reshape(-1, inputs.shape[-1]), lengths.reshape(-1)
        x = self._encode(inputs.swapaxes(0, 1))
        x = split_batch(x, self.groups) if self.groups > 1 else x
        for layer in range(self.n_layers):
            x = self.make_block(layer)(x)
        x = join_batch(x) if self.groups > 1 else x
        x = (
            x[-task.scored_steps :]
            if task.head == "per_step"
            else POOLING[self.pooling](x, lengths)
        )
        if task.head == "match":
            features = match_features(x.reshape(-1, 2, x.shape[-1]))
            x = nn.gelu(nn.Dense(self.d_model, name="match")(features))
        logits = nn.Dense(task.num_outputs * task.num_classes, name="head")(x)
        if task.head == "per_step":
            logits = logits.reshape(*logits.shape[:-1], task.num_outputs, task.num_classes)
        return logits

    def _encode(self, inputs: Array) -> Array:
        match self.task.inputs:
            case Tokens(width=width) if self.encoder == "embedding":
                return nn.Embed(width, self.d_model, name="encoder")(inputs)
            case Tokens(width=width):
                features = jax.nn.one_hot(inputs, width)
            case Channels(scale=scale, mean=mean, std=std):
                scaled = inputs.astype(jnp.float32) / scale
                features = (scaled - jnp.asarray(mean)[None, None]) / jnp.asarray(std)[None, None]
        return nn.Dense(self.d_model, name="encoder", dot_general=at_every_step)(features)
