"""A matrix applied at every step of a sequence."""

from jax import Array


def project(x: Array, weights: Array) -> Array:
    """Multiply (T, B, F) by (F, G); the gradient of `weights` is faster over one axis than over two."""
    return (x.reshape(-1, x.shape[-1]) @ weights).reshape(*x.shape[:-1], -1)
