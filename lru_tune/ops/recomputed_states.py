"""A recurrent layer that never holds its states over the whole sequence.

y_t = Re(C h_t) with h_t = lambda h_{t-1} + B u_t has states of 2N numbers a step, the largest array of a
network unless N is much smaller than H. Here the sequence is divided into chunks of time: drive, scan and
readout of one chunk, then of the next, which starts from the final state of the last. Kept for the backward
pass are the inputs, which exist anyway, and one state a chunk. The backward pass runs through the chunks from
the last one and computes each chunk's states again, which costs one more product with B.

The state that enters a chunk is added to the chunk's first drive, lambda h + b, so that every back end of the
scan can be used unchanged.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax

from lru_tune.ops.layer_weights import LayerWeights
from lru_tune.ops.projection import project
from lru_tune.ops.scan.linear_scan import (
    SCAN_BACKENDS,
    conjugate_planes,
    multiply_planes,
    resolve_backend,
)

CHUNK = 256  # steps of which states are held at a time


def recomputed_layer(
    weights: LayerWeights,
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
    # Zeros go to the end that is computed last, where they change no result.
    inputs = jnp.pad(inputs, ((padding, 0) if reverse else (0, padding), (0, 0), (0, 0)))
    chunks = inputs.reshape(-1, chunk, *inputs.shape[1:])
    outputs = _recomputed_layer(resolve_backend(backend), reverse, weights, chunks)
    outputs = outputs.reshape(-1, *outputs.shape[2:])
    return outputs[padding:] if reverse else outputs[:length]


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _recomputed_layer(backend: str, reverse: bool, weights: LayerWeights, chunks: Array) -> Array:
    return _forward(backend, reverse, weights, chunks)[0]


def _states(
    backend: str, reverse: bool, weights: LayerWeights, entering: Array, inputs: Array
) -> Array:
    """Return the states of one chunk, (chunk, B, 2N), from the one before it, (B, 2N)."""
    first = -1 if reverse else 0
    drive = project(inputs, weights.enter.T)
    drive = drive.at[first].add(multiply_planes(weights.decay[None, :], entering))
    return SCAN_BACKENDS[backend].forward(weights.decay, drive, reverse)


def _forward(
    backend: str, reverse: bool, weights: LayerWeights, chunks: Array
) -> tuple[Array, tuple[LayerWeights, Array, Array]]:
    """Return outputs (chunks, chunk, B, G), and the residuals for the backward pass."""
    last = 0 if reverse else -1

    def step(entering: Array, inputs: Array) -> tuple[Array, tuple[Array, Array]]:
        states = _states(backend, reverse, weights, entering, inputs)
        return states[last], (project(states, weights.read), entering)

    start = jnp.zeros((chunks.shape[2], weights.decay.shape[0]), chunks.dtype)
    _, (outputs, entering) = lax.scan(step, start, chunks, reverse=reverse)
    return outputs, (weights, chunks, entering)


def _backward(
    backend: str, reverse: bool, residuals: tuple[LayerWeights, Array, Array], grads: Array
) -> tuple[LayerWeights, Array]:
    """Run through the chunks from the last one; carry conj(lambda) g of the step after the chunk."""
    weights, chunks, entered = residuals
    first, last = (-1, 0) if reverse else (0, -1)
    conjugate = conjugate_planes(weights.decay)[None, :]
    backward = SCAN_BACKENDS[backend].backward

    def step(
        carry: tuple[Array, LayerWeights], of_chunk: tuple[Array, Array, Array]
    ) -> tuple[tuple[Array, LayerWeights], Array]:
        from_next, sums = carry
        inputs, entering, grad = of_chunk
        states = _states(backend, reverse, weights, entering, inputs)
        grad_states = project(grad, weights.read.T).at[last].add(from_next)
        grad_decay, g = backward(weights.decay, states, grad_states, reverse)
        grad_decay += jnp.sum(multiply_planes(conjugate_planes(entering), g[first]), axis=0)
        sums = LayerWeights(
            decay=sums.decay + grad_decay,
            enter=sums.enter + _outer(g, inputs),
            read=sums.read + _outer(states, grad),
        )
        return (multiply_planes(conjugate, g[first]), sums), project(g, weights.enter)

    start = (jnp.zeros_like(entered[0]), LayerWeights(*(jnp.zeros_like(part) for part in weights)))
    (_, sums), grad_chunks = lax.scan(step, start, (chunks, entered, grads), reverse=not reverse)
    return sums, grad_chunks


def _outer(a: Array, b: Array) -> Array:
    """Sum the outer products of (T, B, F) and (T, B, G) over time and batch; returns (F, G)."""
    return a.reshape(-1, a.shape[-1]).T @ b.reshape(-1, b.shape[-1])


_recomputed_layer.defvjp(_forward, _backward)
