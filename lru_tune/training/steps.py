"""The compiled programs of a run: initialise, train some steps, evaluate a split.

Programs are built once per `program_key` and process; learning rates, rings, seeds and run lengths are
arguments, so that a reused worker never compiles the same network twice.
"""

import math
from collections.abc import Callable
from functools import lru_cache, partial
from threading import Thread
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax
from jax.stages import Wrapped

from lru_tune.config.schema import RunConfig
from lru_tune.models.build import Model, build_model
from lru_tune.models.memory import group_count
from lru_tune.ops.precision import multiplying
from lru_tune.tasks import find_task
from lru_tune.training.hyperparameters import Hyperparameters
from lru_tune.training.optimizer import (
    adam_moments,
    apply_adamw,
    clip_factor,
    learning_rate,
    slow_mask,
)

Params = dict[str, Any]


class Sums(NamedTuple):
    """Totals since the last report; scalars float32."""

    loss: Array
    correct: Array
    predictions: Array

    @staticmethod
    def zero() -> "Sums":
        """Return empty totals."""
        return Sums(jnp.float32(0), jnp.float32(0), jnp.float32(0))


class TrainState(NamedTuple):
    """Everything that training changes; a checkpoint holds it whole.

    Attributes:
      params, batch_stats: the network's variables.
      moments: Adam's state.
      step: int32, optimiser steps done.
      sums: totals of the training loss since the last report.
      sound: whether every loss and gradient so far was finite; training stops where it turns False.
    """

    params: Params
    batch_stats: Params
    moments: optax.OptState
    step: Array
    sums: Sums
    sound: Array


class Batches(NamedTuple):
    """Examples on the device: as in `lru_tune.data.batches.Examples`."""

    inputs: Array
    targets: Array
    lengths: Array


class Programs(NamedTuple):
    """Jitted functions of one network.

    Attributes:
      init: Hyperparameters -> TrainState at step 0.
      train: TrainState, Hyperparameters, Batches, order (n_batches, B), first batch, count -> TrainState
        after `count` steps on consecutive batches, or earlier if one is not finite. The state passed in
        is consumed.
      gradients: TrainState, Hyperparameters, Batches, indices (B,) -> loss and gradients of that batch.
      evaluate: params, batch_stats, Batches -> Sums over all examples.
    """

    init: Callable[[Hyperparameters], TrainState]
    train: Wrapped
    gradients: Callable[..., tuple[Array, Params]]
    evaluate: Callable[[Params, Params, Batches], Sums]


@lru_cache(maxsize=8)
def programs(key: RunConfig, eval_batch_size: int) -> Programs:
    """Build the programs that all runs with this `program_key` share; what is still `auto` is plain."""
    task = find_task(key.task)
    sequences = key.data.batch_size * math.prod(task.documents)
    model = build_model(
        key.model,
        task,
        scan=key.runtime.scan,
        online=key.runtime.rtrl_sums if key.optim.algorithm == "rtrl" else None,
        states=key.runtime.states,
        groups=group_count(sequences) if key.runtime.memory == "grouped" else 1,
        block="native" if key.runtime.block == "native" else "jax",
    )
    adam = adam_moments(key.optim.b1, key.optim.b2, key.optim.eps)
    exact = partial(multiplying, key.runtime.matmul)
    return Programs(
        init=jax.jit(partial(init_state, model, adam)),
        train=jax.jit(exact(partial(train_steps, model, adam)), donate_argnums=0),
        gradients=jax.jit(exact(partial(batch_gradients, model))),
        evaluate=jax.jit(exact(partial(evaluate, model, eval_batch_size))),
    )


def start_compiling(
    made: Programs, hyper: Hyperparameters, data: Batches, batch_size: int
) -> Thread:
    """Begin to compile training, beside whatever the caller does meanwhile; return the thread.

    A call of `made.train` after its end finds the program ready. What goes wrong in it goes wrong again,
    and is raised, in that call.

    Args:
      made: the run's programs.
      hyper: as the program will be given it.
      data: training examples on the device.
      batch_size: of an optimiser step.
    """

    def compile_training() -> None:
        state = jax.eval_shape(made.init, hyper)
        batches = data.targets.shape[0] // batch_size
        order = jax.ShapeDtypeStruct((batches, batch_size), jnp.int32)
        whole = jax.ShapeDtypeStruct((), jnp.int32)
        made.train.lower(state, hyper, data, order, whole, whole).compile()

    # Not a daemon: a process that ended while XLA compiles could crash.
    thread = Thread(target=compile_training, name="compile")
    thread.start()
    return thread


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
        sound=jnp.bool_(True),
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

    def go_on(carry: tuple[Array, TrainState]) -> Array:
        return (carry[0] < count) & carry[1].sound

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
            sound=jnp.bool_(True),
        )
        # A step that is not finite is not taken: the state before it can still be examined.
        sound = jnp.isfinite(loss) & jnp.isfinite(norm)
        after = jax.tree.map(lambda new, old: jnp.where(sound, new, old), after, state)
        return i + 1, after._replace(sound=sound)

    return lax.while_loop(go_on, step, (jnp.int32(0), state))[1]


def batch_gradients(
    model: Model, state: TrainState, hyper: Hyperparameters, data: Batches, indices: Array
) -> tuple[Array, Params]:
    """Return loss and gradients of one batch, to find out which of them is not finite."""
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
        # The last batch starts early enough to be whole; what it repeats counts nothing.
        start = jnp.minimum(i * size, examples - size)
        inputs, targets, lengths = jax.tree.map(
            lambda x: lax.dynamic_slice_in_dim(x, start, size), data
        )
        fresh = (start + jnp.arange(size) >= i * size).astype(jnp.float32)
        logits = model.predict(variables, inputs, lengths)
        losses, correct = cross_entropy(logits, _time_major(targets))
        # (B,) losses, or (S, B, O) of tasks that predict at several steps.
        shape = fresh.shape if losses.ndim == 1 else (1, size, 1)
        weight = jnp.broadcast_to(fresh.reshape(shape), losses.shape)
        return Sums(
            sums.loss + jnp.sum(losses * weight),
            sums.correct + jnp.sum(correct * weight),
            sums.predictions + jnp.sum(weight),
        )

    return lax.fori_loop(0, -(-examples // size), add_batch, Sums.zero())


def _time_major(targets: Array) -> Array:
    """Turn (B, S, O) targets into (S, B, O), the layout of logits; (B,) stays."""
    return targets.swapaxes(0, 1) if targets.ndim == 3 else targets
