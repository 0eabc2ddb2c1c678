"""A matrix applied at every step of a sequence."""

import jax
from jax import Array, lax


@jax.custom_vjp
def project(x: Array, weights: Array) -> Array:
    """Multiply (T, B, F) by (F, G) over one axis of T B rows, where the gradient of `weights` is faster."""
    return (_rows(x) @ weights).reshape(*x.shape[:-1], -1)


def _project_forward(x: Array, weights: Array) -> tuple[Array, tuple[Array, Array]]:
    return project(x, weights), (x, weights)


def _project_backward(residuals: tuple[Array, Array], grad: Array) -> tuple[Array, Array]:
    x, weights = residuals
    # Without the barrier the compiler computes it again for each product, in that product's memory order.
    grad = lax.optimization_barrier(grad)
    return project(grad, weights.T), outer_sum(_rows(x), _rows(grad))


project.defvjp(_project_forward, _project_backward)


def outer_sum(x: Array, y: Array) -> Array:
    """Return x^T y, (F, G), for many rows of x (R, F) and y (R, G).

    On a CPU the product of two such tall matrices takes up to twice as long if the result has more rows than
    columns; it is then computed transposed. The barrier keeps the compiler from undoing that.
    """
    if x.shape[1] <= y.shape[1]:
        return lax.optimization_barrier(x.T @ y)
    return lax.optimization_barrier(y.T @ x).T


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])
