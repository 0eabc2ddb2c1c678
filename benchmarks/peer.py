"""minimal-LRU's own train step, imported from a folder the user names; nothing of it is copied here."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.shapes import Shape


def peer_steps(folder: Path, shape: Shape) -> Callable[[int], float]:
    """Return a function that takes n of the peer's optimiser steps and returns the last loss."""
    sys.path.insert(0, str(folder))
    from lru.model import LRU, BatchClassificationModel
    from lru.train_helpers import create_train_state, train_step

    model_cls = partial(
        BatchClassificationModel,
        lru=partial(LRU, d_hidden=shape.d_hidden, d_model=shape.d_model, r_min=0.0, r_max=1.0),
        d_output=shape.task.num_outputs if shape.per_step else shape.task.num_classes,
        d_model=shape.d_model,
        n_layers=shape.n_layers,
        dropout=shape.dropout,
        pooling="none" if shape.per_step else "mean",
        norm="batch",
        prenorm=True,
        multidim=2 if shape.per_step else 1,
    )
    state = create_train_state(
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
    model = model_cls(training=True)
    inputs, targets = shape.example_batch()
    if inputs.ndim == 2:
        inputs = jax.nn.one_hot(inputs, shape.task.inputs.width)
    mask = np.zeros(shape.length, bool)
    mask[-shape.task.scored_steps if shape.per_step else 0 :] = True
    masks = jnp.asarray(np.broadcast_to(mask, (shape.batch_size, shape.length)))
    if (
        shape.per_step
    ):  # the peer's targets cover the whole sequence, of which the mask keeps the end
        padding = shape.length - shape.task.scored_steps
        targets = np.pad(targets, ((0, 0), (padding, 0), (0, 0)))
    inputs, targets = jnp.asarray(inputs, jnp.float32), jnp.asarray(targets, jnp.int32)
    key = jax.random.key(1)

    def run(steps: int) -> float:
        nonlocal state, key
        loss = jnp.float32(0)
        for _ in range(steps):
            key, dropout_key = jax.random.split(key)
            state, loss = train_step(state, dropout_key, inputs, targets, masks, model, "batch")
        return float(loss)

    return run
