"""Which parameter a run diverged at."""

import jax
import jax.numpy as jnp

from lru_tune.errors import Diverged
from lru_tune.training.hyperparameters import Hyperparameters
from lru_tune.training.optimizer import leaf_names
from lru_tune.training.programs.compiled import Programs
from lru_tune.training.state import Batches, TrainState


def divergence(
    programs: Programs,
    state: TrainState,
    hyper: Hyperparameters,
    data: Batches,
    batch: jax.Array,
) -> Diverged:
    """Return the error of a state that is not finite; computes the gradients of the failed step again.

    Args:
      programs: of the run.
      state: before the failed step, which was not taken.
      hyper: of the run.
      data: the training split.
      batch: (B,) int32, the examples of the failed step.

    Returns:
      An error that names the first parameter whose gradient is not finite, or the loss.
    """
    _, grads = programs.gradients(state, hyper, data, batch)
    named = zip(leaf_names(grads), jax.tree.leaves(grads), strict=True)
    infinite = (name for name, leaf in named if not jnp.all(jnp.isfinite(leaf)))
    return Diverged(int(state.step) + 1, next(infinite, "loss"))
