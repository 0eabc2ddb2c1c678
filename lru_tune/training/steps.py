"""The functions behind the compiled programs of a run: initialise, train some steps, evaluate a split.

Learning rates, seeds, run lengths and the ring of eigenvalues are arguments: trials that differ in nothing
else share one compilation.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax

from lru_tune.models.build import Model
from lru_tune.training.hyperparameters import Hyperparameters
from lru_tune.training.optimizer import (
    apply_adamw,
    clip_factor,
    learning_rate,
    slow_mask,
)
from lru_tune.training.state import Batches, Params, Sums, TrainState


def init_state(
    model: Model, adam: optax.GradientTransformation, hyper: Hyperparameters
) -> TrainState:
    """Draw parameters from the run's seed."""
    variables = model.init(jax.random.key(hyper.seed), hyper.model)
    params = variables["params"]
    return TrainState(
        params=params,
        batch_stats=variables.get("batch_stats", {}),
        moments=adam.init(params),
        step=jnp.int32(0),
        sums=Sums.zero(),
        finite=jnp.bool_(True),
    )


def cross_entropy(logits: Array, targets: Array) -> tuple[Array, Array]:
    """Return loss and correctness of every prediction; logits (..., C), targets (...), both (...)."""
    labels = targets.astype(jnp.int32)
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return losses, jnp.argmax(logits, axis=-1) == labels


def batch_loss(
    model: Model, params: Params, state: TrainState, hyper: Hyperparameters, batch: Batches
) -> tuple[Array, tuple[Sums, Params]]:
    """Return the mean loss of a batch, with its totals and the new running averages."""
    variables = {"params": params, "batch_stats": state.batch_stats}
    dropout_key = jax.random.fold_in(jax.random.key(hyper.seed), state.step)
    logits, batch_stats = model.train(
        variables, batch.inputs, batch.lengths, hyper.model, dropout_key
    )
    losses, correct = cross_entropy(logits, _time_major(batch.targets))
    sums = Sums(jnp.sum(losses), jnp.sum(correct, dtype=jnp.float32), jnp.float32(losses.size))
    return jnp.mean(losses), (sums, batch_stats)


def train_steps(
    model: Model,
    adam: optax.GradientTransformation,
    state: TrainState,
    hyper: Hyperparameters,
    data: Batches,
    order: Array,
    first: Array,
    count: Array,
) -> TrainState:
    """Take `count` optimiser steps on the batches `order[first : first + count]`."""
    slow = slow_mask(state.params, model.slow_params)

    def unfinished(carry: tuple[Array, TrainState]) -> Array:
        i, state = carry
        return (i < count) & state.finite

    def step(carry: tuple[Array, TrainState]) -> tuple[Array, TrainState]:
        i, state = carry
        batch = jax.tree.map(lambda x: x[order[first + i]], data)
        objective = partial(batch_loss, model, state=state, hyper=hyper, batch=batch)
        (loss, (sums, batch_stats)), grads = jax.value_and_grad(objective, has_aux=True)(
            state.params
        )
        norm = optax.tree.norm(grads)
        factor = clip_factor(norm, hyper.max_grad_norm)
        grads = jax.tree.map(lambda g: g * factor, grads)
        scaled, moments = adam.update(grads, state.moments)
        rate = learning_rate(state.step, hyper)
        after = TrainState(
            params=apply_adamw(state.params, scaled, slow, rate, hyper),
            batch_stats=batch_stats,
            moments=moments,
            step=state.step + 1,
            sums=jax.tree.map(jnp.add, state.sums, sums),
            finite=jnp.bool_(True),
        )
        # A step that is not finite is not taken, so that the state before it can be examined.
        finite = jnp.isfinite(loss) & jnp.isfinite(norm)
        after = jax.tree.map(lambda new, old: jnp.where(finite, new, old), after, state)
        return i + 1, after._replace(finite=finite)

    return lax.while_loop(unfinished, step, (jnp.int32(0), state))[1]


def batch_gradients(
    model: Model, state: TrainState, hyper: Hyperparameters, data: Batches, indices: Array
) -> tuple[Array, Params]:
    """Return loss and gradients of one batch, to find which of them is not finite."""
    batch = jax.tree.map(lambda x: x[indices], data)
    objective = partial(batch_loss, model, state=state, hyper=hyper, batch=batch)
    (loss, _), grads = jax.value_and_grad(objective, has_aux=True)(state.params)
    return loss, grads


def evaluate(
    model: Model, batch_size: int, params: Params, batch_stats: Params, data: Batches
) -> Sums:
    """Sum loss and correct predictions over every example exactly once, in batches of one shape."""
    examples = data.targets.shape[0]
    size = min(batch_size, examples)
    variables = {"params": params, "batch_stats": batch_stats}

    def add_batch(i: Array, sums: Sums) -> Sums:
        # The last batch starts early enough to be whole; examples it repeats have weight 0.
        start = jnp.minimum(i * size, examples - size)
        inputs, targets, lengths = jax.tree.map(
            lambda x: lax.dynamic_slice_in_dim(x, start, size), data
        )
        new = (start + jnp.arange(size) >= i * size).astype(jnp.float32)
        logits = model.predict(variables, inputs, lengths)
        losses, correct = cross_entropy(logits, _time_major(targets))
        # (B,) losses, or (S, B, O) of tasks that predict at several steps.
        shape = new.shape if losses.ndim == 1 else (1, size, 1)
        weight = jnp.broadcast_to(new.reshape(shape), losses.shape)
        return Sums(
            sums.loss + jnp.sum(losses * weight),
            sums.correct + jnp.sum(correct * weight),
            sums.predictions + jnp.sum(weight),
        )

    return lax.fori_loop(0, -(-examples // size), add_batch, Sums.zero())


def _time_major(targets: Array) -> Array:
    """Turn (B, S, O) targets into (S, B, O), the layout of logits; (B,) stays."""
    return targets.swapaxes(0, 1) if targets.ndim == 3 else targets
