"""A residual block in C++, on a CPU: normalise, recur, mix and add, with all values between in the cache.

A block of JAX operations writes every array between two operations to memory and reads it again. The C++
takes one chunk of time through the whole block and writes only what the backward pass needs.
`lru_tune.models.block.Block` is the same function in JAX, the slow twin.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, ShapeDtypeStruct

from lru_tune.ops.native.calls import BLOCK, BLOCK_ADJOINT, require_native_for

PANEL, ROW_GAP = 32, 16  # numbers, as in products.h
PARTS = 8  # most parts of a batch, each computed by one thread
PART_ROWS = 768  # steps times sequences: a smaller part is not worth its own sums of gradients
CHUNK_ROWS = 128  # steps times sequences of a chunk, which fits in the second-level cache
PRODUCTS = ("enter", "read", "mix")  # the weights that are factors of matrix products
SUMMED = (*PRODUCTS, "gain", "bias", "decay", "skip", "mix_bias")  # as Sums in block.h

Keep = Literal["values", "entering"]
BlockEngine = Literal["jax", "native"]  # computes the blocks of a network


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


class BlockInputs(NamedTuple):
    """Inputs of a block, in the dtype of its weights.

    Attributes:
      x: (T, B, H).
      mask_states, mask_mixed: (B, H), factors of gelu(y) and of what is added to x; constants to
        differentiation.
    """

    x: Array
    mask_states: Array
    mask_mixed: Array


class Options(NamedTuple):
    """The static arguments of a block; see `native_block`."""

    last: int
    keep: Keep


Kept = Sequence[Array]


def native_block(
    weights: BlockWeights, inputs: BlockInputs, *, last: int | None = None, keep: Keep = "values"
) -> Array:
    """Return x + value * sigmoid(gate) * mask_mixed, where both are read off gelu(y) * mask_states.

    y_t = Re(C h_t) + D n_t with h_t = lambda h_{t-1} + B n_t, n_t the normalised x_t and gelu in its
    approximation by tanh (the LRU paper, section 3 and its Figure 1).

    Args:
      weights: of the block.
      inputs: x and its masks.
      last: how many of the last steps are returned, None for all.
      keep: what is kept for the backward pass: `values`, all that a step computes, or `entering`, the states
        that enter each chunk of time, from which the values are computed again.

    Returns:
      (last, B, H).

    Raises:
      TypeError, ConfigError, ResourcesMissing: as `require_native_for`.
    """
    require_native_for(inputs.x)
    return _block(Options(last or len(inputs.x), keep), weights, inputs)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _block(options: Options, weights: BlockWeights, inputs: BlockInputs) -> Array:
    return _call(options, "nothing", weights, inputs)[0]


def _forward(
    options: Options, weights: BlockWeights, inputs: BlockInputs
) -> tuple[Array, tuple[BlockWeights, BlockInputs, Kept]]:
    outputs, *kept = _call(options, options.keep, weights, inputs)
    return outputs, (weights, inputs, kept)


def _backward(
    options: Options, residuals: tuple[BlockWeights, BlockInputs, Kept], grad: Array
) -> tuple[BlockWeights, BlockInputs]:
    weights, inputs, kept = residuals
    tiling = Tiling.of(options, inputs.x)
    shapes = {name: _padded(getattr(weights, name).shape) for name in SUMMED}
    ends = list(accumulate(math.prod(shape) for shape in shapes.values()))
    call = _target(BLOCK_ADJOINT, inputs.x, [inputs.x.shape, (tiling.parts, ends[-1])])
    back = [_panels(getattr(weights, name).T) for name in PRODUCTS]
    arguments = (*inputs, *_in_panels(weights), *back, grad, *kept)
    grad_x, sums = call(*arguments, keep=options.keep, **tiling.attributes(options))
    pieces = jnp.split(sums[0], ends[:-1])
    grads = {
        name: piece.reshape(shape)[..., : getattr(weights, name).shape[-1]]
        for (name, shape), piece in zip(shapes.items(), pieces, strict=True)
    }
    grads["mean"] = -weights.gain * grads["bias"]
    constants = [jnp.zeros_like(mask) for mask in inputs[1:]]
    return BlockWeights(**grads), BlockInputs(grad_x, *constants)


_block.defvjp(_forward, _backward)


class Tiling(NamedTuple):
    """How the work on a batch is divided; depends on shapes alone.

    Attributes:
      parts: of the batch.
      steps: of a chunk of time.
      chunks: of time; each has either returned steps or others, not both.
    """

    parts: int
    steps: int
    chunks: int

    @classmethod
    def of(cls, options: Options, x: Array) -> "Tiling":
        """Return the tiling for x (T, B, H)."""
        length, batch, _ = x.shape
        parts = max(1, min(PARTS, batch, length * batch // PART_ROWS))
        steps = min(length, max(1, CHUNK_ROWS // math.ceil(batch / parts)))
        chunks = math.ceil((length - options.last) / steps) + math.ceil(options.last / steps)
        return cls(parts, steps, chunks)

    def attributes(self, options: Options) -> dict[str, int]:
        """Return the attributes of a call of the C++."""
        return {"last": options.last, "parts": self.parts, "steps": self.steps}


def _call(
    options: Options, keep: Literal[Keep, "nothing"], weights: BlockWeights, inputs: BlockInputs
) -> Sequence[Array]:
    """Return the outputs, then the arrays that are kept."""
    length, batch, h = inputs.x.shape
    tiling = Tiling.of(options, inputs.x)
    n2, mixed = weights.decay.shape[0], weights.mix.shape[1]
    kept: dict[str, list[tuple[int, int, int]]] = {
        "values": [(batch, length, n2), (batch, options.last, h), (batch, options.last, mixed)],
        "entering": [(batch, tiling.chunks, n2)],
        "nothing": [],
    }
    rows = [(*shape[:-1], _padded(shape)[-1] + ROW_GAP) for shape in kept[keep]]
    call = _target(BLOCK, inputs.x, [(options.last, batch, h), *rows])
    return call(*inputs, *_in_panels(weights), keep=keep, **tiling.attributes(options))


def _target(
    name: str, like: Array, shapes: Sequence[tuple[int, ...]]
) -> Callable[..., Sequence[Array]]:
    """Return the C++ function of this name, with results of these shapes."""
    results = [ShapeDtypeStruct(shape, like.dtype) for shape in shapes]
    return jax.ffi.ffi_call(name, results, vmap_method="sequential")


def _in_panels(weights: BlockWeights) -> list[Array]:
    """Return the weights as the C++ expects them: factors of products in panels, zeros for a missing bias."""
    panels = {name: _panels(getattr(weights, name)) for name in PRODUCTS}
    return [*weights._replace(**panels), jnp.zeros_like(weights.skip)]


def _panels(matrix: Array) -> Array:
    """Turn (K, G) into (G / PANEL, K, PANEL), G padded with zeros."""
    inner, columns = matrix.shape
    wide = jnp.pad(matrix, ((0, 0), (0, -columns % PANEL)))
    return wide.reshape(inner, -1, PANEL).swapaxes(0, 1)


def _padded(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape with the last axis of a matrix padded to whole panels; vectors stay as they are."""
    return shape if len(shape) == 1 else (*shape[:-1], -(-shape[-1] // PANEL) * PANEL)
