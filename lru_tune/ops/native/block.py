"""A residual block in C++, on a CPU: normalise, recur, mix and add, with all that lies between in the cache.

A block as JAX programs reads and writes every array between its operations; the C++ goes through a chunk
of time at once, with SciPy's BLAS for the products, and leaves behind only what the backward pass needs.
`lru_tune.models.block.Block` is the same function in JAX: the slow twin.
"""

import math
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, ShapeDtypeStruct

from lru_tune.ops.native.calls import BLOCK, BLOCK_ADJOINT, demand_for

PANEL = 32  # columns, of products.h
PARTS = 8  # most parts that a batch is cut into, each the work of one thread
PART_ROWS = 768  # steps times sequences from which a part is worth its own sums of gradients
CHUNK_ROWS = 128  # steps times sequences that are gone through at once, in the second-level cache

PRODUCTS = ("enter", "read", "mix")  # weights of products
SUMMED = ("gain", "bias", "decay", "enter", "read", "skip", "mix", "mix_bias")  # as in block.h

Keep = Literal["values", "entering"]


class BlockWeights(NamedTuple):
    """Parameters of a block, all of one dtype, float32 or float64.

    Attributes:
      mean, gain, bias: (H,), the norm as a map, (x - mean) * gain + bias.
      decay: (2N,), planes of lambda.
      enter: (H, 2N), real columns of B^T beside its imaginary ones.
      read: (2N, H), real rows of C^T over minus its imaginary ones.
      skip: D, (H,).
      mix, mix_bias: (H, G) and (G,); G is 2H for values beside gates, H for gates alone.
    """

    mean: Array
    gain: Array
    bias: Array
    decay: Array
    enter: Array
    read: Array
    skip: Array
    mix: Array
    mix_bias: Array


class Plan(NamedTuple):
    """What is static about a block; see `native_block`."""

    last: int
    keep: Keep


def native_block(
    weights: BlockWeights,
    x: Array,
    mask_states: Array,
    mask_mixed: Array,
    *,
    last: int | None = None,
    keep: Keep = "values",
) -> Array:
    """Return x + (value * sigmoid(gate)) * mask_mixed, where both are read off gelu(y) * mask_states.

    y_t = Re(C h_t) + D n_t with h_t = lambda h_{t-1} + B n_t, n_t the normalised x_t and gelu in its
    approximation by tanh. The masks are constants to differentiation.

    Args:
      weights: of the block.
      x: (T, B, H).
      mask_states, mask_mixed: (B, H).
      last: how many of the last steps are returned, None for all.
      keep: for the backward pass: all values of a step, or the states that enter each chunk of time, from
        which the values are computed again.

    Returns:
      (last, B, H).

    Raises:
      TypeError, ConfigError, ResourcesMissing: as `demand_for`.
    """
    demand_for(x)
    plan = Plan(len(x) if last is None else last, keep)
    return _block(plan, weights, x, mask_states, mask_mixed)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _block(
    plan: Plan, weights: BlockWeights, x: Array, mask_states: Array, mask_mixed: Array
) -> Array:
    (outputs,) = _call(plan, "nothing", weights, x, mask_states, mask_mixed)
    return outputs


Residuals = tuple[BlockWeights, Array, Array, Array, tuple[Array, ...]]


def _forward(
    plan: Plan, weights: BlockWeights, x: Array, mask_states: Array, mask_mixed: Array
) -> tuple[Array, Residuals]:
    outputs, *kept = _call(plan, plan.keep, weights, x, mask_states, mask_mixed)
    return outputs, (weights, x, mask_states, mask_mixed, tuple(kept))


def _backward(
    plan: Plan, residuals: Residuals, grad: Array
) -> tuple[BlockWeights, Array, Array, Array]:
    weights, x, mask_states, mask_mixed, kept = residuals
    parts, _, attributes = _cut(plan, x)
    shapes = {name: getattr(weights, name).shape for name in SUMMED}
    results = [_shape(x, (parts, *_padded(shape))) for shape in shapes.values()]
    call = jax.ffi.ffi_call(BLOCK_ADJOINT, [_shape(x, x.shape), *results], vmap_method="sequential")
    back = [_panels(getattr(weights, name).T) for name in PRODUCTS]
    grad_x, *sums = call(
        x, mask_states, mask_mixed, *_in_panels(weights), jnp.zeros_like(weights.skip), *back, grad, *kept, keep=plan.keep, **attributes
    )
    grads = {
        name: jnp.sum(each, axis=0)[..., : shape[-1]]
        for (name, shape), each in zip(shapes.items(), sums, strict=True)
    }
    grads["mean"] = -weights.gain * grads["bias"]
    return (
        BlockWeights(**grads),
        grad_x,
        jnp.zeros_like(mask_states),
        jnp.zeros_like(mask_mixed),
    )


_block.defvjp(_forward, _backward)


def _call(
    plan: Plan, keep: str, weights: BlockWeights, x: Array, mask_states: Array, mask_mixed: Array
) -> list[Array]:
    _, chunks, attributes = _cut(plan, x)
    length, batch, h = x.shape
    n2, mixed = weights.decay.shape[0], weights.mix.shape[1]
    kept = {
        "values": [(batch, length, n2), (batch, plan.last, h), (batch, plan.last, mixed)],
        "entering": [(batch, chunks, n2)],
        "nothing": [],
    }[keep]
    results = [_shape(x, shape) for shape in [(plan.last, batch, h), *map(_rows, kept)]]
    call = jax.ffi.ffi_call(BLOCK, results, vmap_method="sequential")
    return call(x, mask_states, mask_mixed, *_in_panels(weights), jnp.zeros_like(weights.skip), keep=keep, **attributes)


def _cut(plan: Plan, x: Array) -> tuple[int, int, dict[str, int]]:
    """Return parts of the batch, chunks of time, and the attributes that say so to the C++."""
    length, batch, _ = x.shape
    parts = max(1, min(PARTS, batch, length * batch // PART_ROWS))
    steps = min(length, max(1, CHUNK_ROWS // math.ceil(batch / parts)))
    chunks = math.ceil((length - plan.last) / steps) + math.ceil(plan.last / steps)
    return parts, chunks, {"last": plan.last, "parts": parts, "steps": steps}


def _in_panels(weights: BlockWeights) -> BlockWeights:
    """Bring the weights of products into the order in which products.h reads them."""
    return weights._replace(**{name: _panels(getattr(weights, name)) for name in PRODUCTS})


def _panels(matrix: Array) -> Array:
    """Turn (K, G) into (G / PANEL, K, PANEL), G padded with zeros."""
    inner, columns = matrix.shape
    wide = jnp.pad(matrix, ((0, 0), (0, -columns % PANEL)))
    return wide.reshape(inner, -1, PANEL).swapaxes(0, 1)


def _padded(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape with its last axis padded, but for vectors, which are not."""
    return shape if len(shape) == 1 else (*shape[:-1], -(-shape[-1] // PANEL) * PANEL)


def _rows(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape with its last axis as long as products.h has it from one row to the next."""
    return (*shape[:-1], _padded(shape)[-1] + 16)


def _shape(like: Array, shape: tuple[int, ...]) -> ShapeDtypeStruct:
    return ShapeDtypeStruct(shape, like.dtype)
