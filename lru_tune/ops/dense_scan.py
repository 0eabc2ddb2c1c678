"""The dense recurrence h_t = f(h_{t-1} A^T + b_t) with a real N x N matrix A.

It runs one step after the other, with a matrix product for each: it is not parallel over time unless f is
linear, and even then A is too large to multiply with itself. The backward pass is faster than autodiff, which
adds an N x N gradient to a running sum at every step and stores what f' needs. Here f' follows from the
states, and the gradient of A is one product over all steps, after the loop.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax


class Activation(NamedTuple):
    """A function of the recurrence whose derivative is known from its value.

    Attributes:
      value: x -> f(x), elementwise.
      pull_back: gradient of f(x), f(x) -> gradient of x.
    """

    value: Callable[[Array], Array]
    pull_back: Callable[[Array, Array], Array]


ACTIVATIONS = {
    "linear": Activation(lambda x: x, lambda grad, _: grad),
    "tanh": Activation(jnp.tanh, lambda grad, y: grad * (1.0 - y * y)),
    # At zero the derivative is zero, as that of jax.nn.relu.
    "relu": Activation(jax.nn.relu, lambda grad, y: jnp.where(y > 0.0, grad, 0.0)),
}


def plain_dense_scan(activation: str, reverse: bool, matrix: Array, drive: Array) -> Array:
    """Like `dense_scan`, with derivatives by autodiff: the slow twin."""
    f = ACTIVATIONS[activation].value
    transposed = matrix.T

    def step(state: Array, drive_t: Array) -> tuple[Array, Array]:
        state = f(state @ transposed + drive_t)
        return state, state

    return lax.scan(step, jnp.zeros_like(drive[0]), drive, reverse=reverse)[1]


def dense_scan(
    matrix: Array, drive: Array, *, activation: str = "linear", reverse: bool = False
) -> Array:
    """Solve h_t = f(h_{t-1} A^T + b_t) from a zero state (h_{t+1} in place of h_{t-1} if reverse).

    Args:
      matrix: A, (N, N).
      drive: b, (T, B, N), same dtype.
      activation: f, a key of ACTIVATIONS.
      reverse: run from the last step to the first.

    Returns:
      h, (T, B, N).

    Raises:
      ValueError: the shapes do not fit.
    """
    if drive.ndim != 3 or matrix.shape != 2 * drive.shape[-1:]:
        raise ValueError(
            f"matrix must be (N, N) and drive (T, B, N), got {matrix.shape} and {drive.shape}"
        )
    return _dense_scan(activation, reverse, matrix, drive)


_dense_scan = jax.custom_vjp(plain_dense_scan, nondiff_argnums=(0, 1))


def _forward(
    activation: str, reverse: bool, matrix: Array, drive: Array
) -> tuple[Array, tuple[Array, Array]]:
    states = plain_dense_scan(activation, reverse, matrix, drive)
    return states, (matrix, states)


def _backward(
    activation: str, reverse: bool, residuals: tuple[Array, Array], grad: Array
) -> tuple[Array, Array]:
    """p_t = f'(h_t) (grad_t + p_{t+1} A) is the gradient of b_t, and sum_t p_t^T h_{t-1} that of A."""
    matrix, states = residuals
    pull_back = ACTIVATIONS[activation].pull_back

    def step(from_next: Array, at_t: tuple[Array, Array]) -> tuple[Array, Array]:
        grad_t, state = at_t
        p = pull_back(grad_t + from_next, state)
        return p @ matrix, p

    _, grad_drive = lax.scan(step, jnp.zeros_like(grad[0]), (grad, states), reverse=not reverse)
    before, after = (states[1:], grad_drive[:-1]) if reverse else (states[:-1], grad_drive[1:])
    n = matrix.shape[0]
    return after.reshape(-1, n).T @ before.reshape(-1, n), grad_drive


_dense_scan.defvjp(_forward, _backward)
