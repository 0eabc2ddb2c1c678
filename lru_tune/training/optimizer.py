"""AdamW in two groups, and the learning rate over a run (Orvieto et al. 2023, appendix D).

The slow group is what the recurrence declares (lambda, gamma, B): its rate is scaled and it takes no
weight decay. Everything else takes the full rate and decoupled weight decay.
"""

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jax import Array

from lru_tune.training.hyperparameters import Hyperparameters
from lru_tune.training.state import Params

if TYPE_CHECKING:
    import optax


def leaf_names(params: Params) -> list[str]:
    """Return the dotted path of every leaf, in the order of `jax.tree.leaves`."""
    paths = jax.tree_util.tree_leaves_with_path(params)
    return [".".join(str(key.key) for key in path) for path, _ in paths]


def slow_mask(params: Params, slow_params: frozenset[str]) -> Params:
    """Return a tree of booleans: whether a leaf belongs to the slow group.

    Args:
      params: parameters or shapes, leaves named by their last key.
      slow_params: the names that the model's recurrence declares.

    Raises:
      ValueError: a declared name is not in the model, so that it would silently take the wrong rate.
    """
    seen = {name.rsplit(".", 1)[-1] for name in leaf_names(params)}
    if unknown := slow_params - seen:
        raise ValueError(f"slow parameters {sorted(unknown)} are not in the model: {sorted(seen)}")
    return jax.tree_util.tree_map_with_path(lambda path, _: path[-1].key in slow_params, params)


def learning_rate(step: Array, hyper: Hyperparameters) -> Array:
    """Return the fast group's rate at a step counted from 0.

    Linear from lr_min to the peak over the first warmup_steps, then half a cosine back to lr_min at
    total_steps, or constant.
    """
    peak, low = hyper.learning_rate, hyper.lr_min
    warmup = low + (peak - low) * step / jnp.maximum(hyper.warmup_steps, 1)
    span = jnp.maximum(hyper.total_steps - hyper.warmup_steps, 1)
    progress = jnp.clip((step - hyper.warmup_steps) / span, 0.0, 1.0)
    decayed = low + (peak - low) * 0.5 * (1.0 + jnp.cos(jnp.pi * progress))
    after = jnp.where(hyper.cosine > 0, decayed, peak)
    return jnp.where(step < hyper.warmup_steps, warmup, after)


def clip_factor(norm: Array, max_norm: Array) -> Array:
    """Return what gradients of this global norm are multiplied by, at most 1."""
    return jnp.where(norm > max_norm, max_norm / norm, 1.0)


def apply_adamw(
    params: Params, scaled: Params, slow: Params, rate: Array, hyper: Hyperparameters
) -> Params:
    """Take one decoupled-weight-decay step along Adam's scaled gradients."""

    def move(param: Array, direction: Array, is_slow: bool) -> Array:
        if is_slow:
            return param - rate * hyper.recurrent_lr_factor * direction
        return param - rate * (direction + hyper.weight_decay * param)

    return jax.tree.map(move, params, scaled, slow)


def adam_moments(b1: float, b2: float, eps: float) -> "optax.GradientTransformation":
    """Return Adam's rescaling alone; rate and decay are applied by `apply_adamw`."""
    import optax  # half a process's first seconds have no use for it

    return optax.scale_by_adam(b1=b1, b2=b2, eps=eps)
