"""minimal-LRU's own train step, imported from a folder the user names; nothing of it is copied here."""

import importlib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.shapes import Shape


def load_peer(folder: Path) -> tuple[ModuleType, ModuleType]:
    """Import the peer's model and its training helpers from a checkout; return both modules."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return importlib.import_module("lru.model"), importlib.import_module("lru.train_helpers")


class PeerStep:
    """The peer's own compiled step on one batch.

    Args:
      folder: of the checkout.
      shape: sizes and batch.
    """

    def __init__(self, folder: Path, shape: Shape) -> None:
        models, helpers = load_peer(folder)
        model_cls = peer_model(models, shape)
        self._step = helpers.train_step
        self._state = helpers.create_train_state(
            model_cls,
            jax.random.key(0),
            in_dim=shape.task.inputs.width,
            batch_size=shape.batch_size,
            seq_len=shape.length,
            weight_decay=0.05,
            norm="batch",
            ssm_lr=5e-4,
            lr=1e-3,
        )
        self._model = model_cls(training=True)
        self._batch = _batch(shape)
        self._key = jax.random.key(1)

    def run(self, steps: int) -> float:
        """Take n optimiser steps; return the last loss."""
        loss = jnp.float32(0)
        for _ in range(steps):
            self._key, dropout_key = jax.random.split(self._key)
            self._state, loss = self._step(
                self._state, dropout_key, *self._batch, self._model, "batch"
            )
        return float(loss)

    def temp_bytes(self) -> int:
        """Return the bytes that XLA plans beside arguments and results."""
        lowered = self._step.lower(self._state, self._key, *self._batch, self._model, "batch")
        return lowered.compile().memory_analysis().temp_size_in_bytes


def peer_model(models: ModuleType, shape: Shape) -> Callable[..., Any]:
    """Return what the peer calls `model_cls`: its network but for `training`."""
    return partial(
        models.BatchClassificationModel,
        lru=partial(
            models.LRU, d_hidden=shape.d_hidden, d_model=shape.d_model, r_min=0.0, r_max=1.0
        ),
        d_output=shape.task.num_outputs if shape.per_step else shape.task.num_classes,
        d_model=shape.d_model,
        n_layers=shape.n_layers,
        dropout=shape.dropout,
        pooling="none" if shape.per_step else "mean",
        norm="batch",
        prenorm=True,
        multidim=2 if shape.per_step else 1,
    )


def _batch(shape: Shape) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return inputs, targets and masks as the peer's `prep_batch` would."""
    inputs, targets = shape.example_batch()
    if inputs.ndim == 2:
        inputs = jax.nn.one_hot(inputs, shape.task.inputs.width)
    mask = np.zeros(shape.length, bool)
    mask[-shape.task.scored_steps if shape.per_step else 0 :] = True
    masks = jnp.asarray(np.broadcast_to(mask, (shape.batch_size, shape.length)))
    if shape.per_step:  # targets cover the whole sequence, of which the mask keeps the end
        padding = shape.length - shape.task.scored_steps
        targets = np.pad(targets, ((0, 0), (padding, 0), (0, 0)))
    return jnp.asarray(inputs, jnp.float32), jnp.asarray(targets, jnp.int32), masks
