"""The compiled programs of a run.

A process builds them once for each `compile_key`, and their executables are cached on disk. Flax, optax and
the network are imported only when something must be traced: to load an executable is quicker.
"""

import functools
from functools import lru_cache, partial
from threading import Thread
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from lru_tune.config.compile_key import compile_key
from lru_tune.config.schema import RunConfig
from lru_tune.tasks import find_task
from lru_tune.training.hyperparameters import Hyperparameters
from lru_tune.training.programs.executable_cache import CachedProgram
from lru_tune.training.programs.resolve_auto import (
    compute_method,
    require_back_ends,
    resolve_auto,
)
from lru_tune.training.state import Batches


class Programs(NamedTuple):
    """Compiled functions of one network.

    Attributes:
      init: Hyperparameters -> TrainState at step 0.
      train: TrainState, Hyperparameters, Batches, order (n_batches, B), first batch, count -> TrainState
        after `count` steps on consecutive batches, or earlier if one is not finite. The state passed in
        is consumed.
      gradients: TrainState, Hyperparameters, Batches, indices (B,) -> loss and gradients of that batch.
      evaluate: params, batch_stats, Batches -> Sums over all examples.
    """

    init: CachedProgram
    train: CachedProgram
    gradients: CachedProgram
    evaluate: CachedProgram


def programs_of(config: RunConfig) -> Programs:
    """Return the programs of a run; resolves what is `auto` for this process's device."""
    eval_batch_size = config.runtime.eval_batch_size or 2 * config.data.batch_size
    return programs(compile_key(resolve_auto(config)), eval_batch_size)


@lru_cache(maxsize=8)
def programs(key: RunConfig, eval_batch_size: int) -> Programs:
    """Return the programs that all runs with this `compile_key` share.

    Args:
      key: a `compile_key`; what is `auto` in it is the plainest choice.
      eval_batch_size: examples evaluated at a time.
    """
    # An executable of another process needs the foreign functions that are registered here.
    require_back_ends(key)
    origin = {
        "config": key.model_dump(mode="json"),
        "task": repr(find_task(key.task)),
        "eval_batch_size": eval_batch_size,
    }
    build = functools.cache(partial(functions, key, eval_batch_size))

    def program(name: str) -> CachedProgram:
        return CachedProgram(name, lambda: build()[name], origin)

    return Programs(*(program(name) for name in Programs._fields))


def functions(key: RunConfig, eval_batch_size: int) -> dict[str, Any]:
    """Return the jitted functions behind `Programs`, by its attributes."""
    from lru_tune.models.build import build_model
    from lru_tune.ops.precision import multiplying
    from lru_tune.training import steps
    from lru_tune.training.optimizer import adam_moments

    task = find_task(key.task)
    model = build_model(key.model, task, compute_method(key))
    adam = adam_moments(key.optim.b1, key.optim.b2, key.optim.eps)
    exact = partial(multiplying, key.runtime.matmul)
    return {
        "init": jax.jit(partial(steps.init_state, model, adam)),
        "train": jax.jit(exact(partial(steps.train_steps, model, adam)), donate_argnums=0),
        "gradients": jax.jit(exact(partial(steps.batch_gradients, model))),
        "evaluate": jax.jit(exact(partial(steps.evaluate, model, eval_batch_size))),
    }


def start_compiling(
    programs: Programs, hyper: Hyperparameters, data: Batches, batch_size: int
) -> Thread:
    """Load or compile the training program in a thread, while the caller does something else.

    After the thread has ended, a call of `programs.train` finds the program ready. An error in the thread is
    not lost: that call meets it again.

    Args:
      programs: of the run.
      hyper: of the run.
      data: the training split on the device.
      batch_size: examples of an optimiser step.
    """
    # Not in the thread, which would wait for a caller that compiles `init`.
    state = programs.init.output_shapes(hyper)

    def compile_training() -> None:
        batches = data.targets.shape[0] // batch_size
        order = jax.ShapeDtypeStruct((batches, batch_size), jnp.int32)
        whole = jax.ShapeDtypeStruct((), jnp.int32)
        programs.train.prepare(state, hyper, data, order, whole, whole)

    # Not a daemon: a process that ends while XLA compiles may crash.
    thread = Thread(target=compile_training, name="compile")
    thread.start()
    return thread
