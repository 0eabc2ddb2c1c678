"""A recurrent layer that never holds its states over the whole sequence.

y_t = Re(C h_t) with h_t = lambda h_{t-1} + B u_t has 2N numbers a step between its two matrices, the most
of any array of a network where N is not much smaller than H. Here time goes by in chunks: drive, scan and
readout of one chunk, then the next, which begins with the state the last one ended in. What is kept for
the backward pass is the inputs, which exist anyway, and one state a chunk. The backward pass goes through the
chunks from the other end and computes each chunk's states again: one product with B more.

A state that enters a chunk is added to its first drive, lambda h + b, so that any back end of the scan serves
as it is.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from lru_tune.ops.projection import project
from lru_tune.ops.scan.linear_scan import (
    SCAN_BACKENDS,
    conjugate_planes,
    linear_scan,
    multiply_planes,
    resolve_backend,
)

CHUNK = 256  # steps of which states are held at a time


class Weights(NamedTuple):
    """Parameters of a layer, float32 or float64.

    Attributes:
      decay: (2N,), planes of lambda.
      enter: (2N, H), real rows of B over its imaginary rows.
      read: (2N, G), what the planes of the states are multiplied with: real rows of C^T over minus its
        imaginary rows give Re(C h).
    """

    decay: Array
    enter: Array
    read: Array


class Plan(NamedTuple):
    """How a layer is computed; see `fused_layer`."""

    chunk: int
    backend: str
    reverse: bool


def plain_layer(weights: Weights, inputs: Array, *, backend: str = "auto", reverse: bool) -> Array:
    """Like `fused_layer`, with all states at once and derivatives by autodiff: the slow twin."""
    drive = project(inputs, weights.enter.T)
    states = linear_scan(weights.decay, drive, backend=backend, reverse=reverse)
    return project(states, weights.read)


def fused_layer(
    weights: Weights,
    inputs: Array,
    *,
    chunk: int = CHUNK,
    backend: str = "auto",
    reverse: bool = False,
) -> Array:
    """Return the readout of h_t = lambda h_{t-1} + B u_t from a zero state.

    Args:
      weights: of the layer.
      inputs: u, (T, B, H), same dtype.
      chunk: steps of which states are held at a time.
      backend: of the scans, a key of SCAN_BACKENDS or `auto`.
      reverse: run from the last step to the first.

    Returns:
      (T, B, G).
    """
    length = inputs.shape[0]
    chunk = min(chunk, length)
    padding = -length % chunk
    # Zeros go to the end that is computed last, where they change nothing that is kept.
    inputs = jnp.pad(inputs, ((padding, 0) if reverse else (0, padding), (0, 0), (0, 0)))
    chunks = inputs.reshape(-1, chunk, *inputs.shape[1:])
    outputs = _fused_layer(Plan(chunk, resolve_backend(backend), reverse), weights, chunks)
    outputs = outputs.reshape(-1, *outputs.shape[2:])
    return outputs[padding:] if reverse else outputs[:length]


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _fused_layer(plan: Plan, weights: Weights, chunks: Array) -> Array:
    return _forward(plan, weights, chunks)[0]


def _states(plan: Plan, weights: Weights, entering: Array, inputs: Array) -> Array:
    """Return the states of one chunk, (chunk, B, 2N), from the one before it, (B, 2N)."""
    first = -1 if plan.reverse else 0
    drive = project(inputs, weights.enter.T)
    drive = drive.at[first].add(multiply_planes(weights.decay[None, :], entering))
    return SCAN_BACKENDS[plan.backend].forward(weights.decay, drive, plan.reverse)


def _forward(
    plan: Plan, weights: Weights, chunks: Array
) -> tuple[Array, tuple[Weights, Array, Array]]:
    """Return outputs (chunks, chunk, B, G), and what the backward pass needs."""
    last = 0 if plan.reverse else -1

    def step(entering: Array, inputs: Array) -> tuple[Array, tuple[Array, Array]]:
        states = _states(plan, weights, entering, inputs)
        return states[last], (project(states, weights.read), entering)

    start = jnp.zeros((chunks.shape[2], weights.decay.shape[0]), chunks.dtype)
    _, (outputs, entering) = lax.scan(step, start, chunks, reverse=plan.reverse)
    return outputs, (weights, chunks, entering)


def _backward(
    plan: Plan, residuals: tuple[Weights, Array, Array], grads: Array
) -> tuple[Weights, Array]:
    """Go through the chunks from the end, carrying conj(lambda) g of the step after the chunk."""
    weights, chunks, entered = residuals
    first, last = (-1, 0) if plan.reverse else (0, -1)
    conjugate = conjugate_planes(weights.decay)[None, :]
    backward = SCAN_BACKENDS[plan.backend].backward

    def step(
        carry: tuple[Array, Weights], of_chunk: tuple[Array, Array, Array]
    ) -> tuple[tuple[Array, Weights], Array]:
        from_next, sums = carry
        inputs, entering, grad = of_chunk
        states = _states(plan, weights, entering, inputs)
        grad_states = project(grad, weights.read.T).at[last].add(from_next)
        grad_decay, g = backward(weights.decay, states, grad_states, plan.reverse)
        grad_decay += jnp.sum(multiply_planes(conjugate_planes(entering), g[first]), axis=0)
        sums = Weights(
            decay=sums.decay + grad_decay,
            enter=sums.enter + _outer(g, inputs),
            read=sums.read + _outer(states, grad),
        )
        return (multiply_planes(conjugate, g[first]), sums), project(g, weights.enter)

    start = (jnp.zeros_like(entered[0]), Weights(*(jnp.zeros_like(part) for part in weights)))
    (_, sums), grad_chunks = lax.scan(
        step, start, (chunks, entered, grads), reverse=not plan.reverse
    )
    return sums, grad_chunks


def _outer(a: Array, b: Array) -> Array:
    """Sum the outer products of (T, B, F) and (T, B, G) over time and batch; returns (F, G)."""
    return a.reshape(-1, a.shape[-1]).T @ b.reshape(-1, b.shape[-1])


_fused_layer.defvjp(_forward, _backward)
