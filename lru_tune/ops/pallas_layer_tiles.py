"""How a layer's arrays are cut into the tiles of its GPU kernels, and how those are launched."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from lru_tune.ops.pallas_layer_kernels import (
    CHANNELS,
    COLUMNS,
    GAP,
    PLANES,
    ROWS,
    STEPS,
    Plan,
)
from lru_tune.ops.scan.pallas_scan import mosaic_gpu

# Features of which a block of B stays in shared memory; more take turns there, as many at a time.
FEATURES_THAT_STAY, FEATURES_AT_ONCE = 256, 128
RELAY = (PLANES, COLUMNS + GAP)  # states on their way to the matrix unit


class Tiling(NamedTuple):
    """How the work is cut.

    Attributes:
      chunk: tiles of STEPS steps that one instance walks.
      span: chunks that one instance of `outer` adds up.
    """

    chunk: int
    span: int


class Job(NamedTuple):
    """What is computed, and how.

    Attributes:
      length, batch, n: T, B and N.
      width: features of inputs and of outputs, padded: see `round_up`.
      tiling: how the work is cut.
      reverse: run from the last step to the first.
      operands: dtype of the factors of products.
      interpret: parameters of Mosaic's own interpreter, None for a GPU.
    """

    length: int
    batch: int
    n: int
    width: int
    tiling: Tiling
    reverse: bool
    operands: str
    interpret: Any

    @property
    def rows(self) -> int:
        """Groups of ROWS sequences."""
        return -(-self.batch // ROWS)

    @property
    def n_blocks(self) -> int:
        """Blocks of CHANNELS channels."""
        return -(-self.n // CHANNELS)

    @property
    def in_blocks(self) -> int:
        """Blocks that features are cut into where they are summed over."""
        return blocks_of_features(self.width)

    @property
    def chunks(self) -> int:
        """Chunks of time, a multiple of the span."""
        steps = self.tiling.chunk * self.tiling.span * STEPS
        return -(-self.length // steps) * self.tiling.span

    @property
    def tiles(self) -> int:
        """Tiles of time."""
        return self.chunks * self.tiling.chunk

    def states(self, chunks: int) -> jax.ShapeDtypeStruct:
        """Return the shape of one state a chunk."""
        shape = (chunks, 2, self.rows, self.n_blocks * CHANNELS, ROWS)
        return jax.ShapeDtypeStruct(shape, jnp.float32)


class Drive(NamedTuple):
    """A scan and what drives it, arranged in tiles.

    Attributes:
      job: of the scan.
      decay: (2, N, ROWS), each number for every sequence.
      blocks: (blocks, PLANES, features), of B.
      inputs: (tiles, R, F, COLUMNS).
    """

    job: Job
    decay: Array
    blocks: Array
    inputs: Array


def arranged(job: Job, decay: Array, enter: Array, inputs: Array) -> Drive:
    """Cut decay (2N,), B (2N, F) and inputs (T, B, F) into tiles."""
    lanes = in_channels(job, decay[:, None])
    blocks = in_blocks_of_channels(job, enter).reshape(job.n_blocks, PLANES, job.in_blocks, -1)
    return Drive(
        job,
        jnp.broadcast_to(lanes, (*lanes.shape[:2], ROWS)),
        blocks.swapaxes(1, 2).reshape(job.n_blocks * job.in_blocks, PLANES, -1),
        in_tiles(job, inputs, (0, 2, 4, 1, 3)).reshape(job.tiles, job.rows, job.width, COLUMNS),
    )


def in_channels(job: Job, planes: Array) -> Array:
    """Arrange planes (2N, ...) as (2, channels of all blocks, ...)."""
    planes = planes.reshape(2, job.n, *planes.shape[1:])
    return jnp.pad(planes, ((0, 0), (0, -job.n % CHANNELS), *[(0, 0)] * (planes.ndim - 2)))


def in_blocks_of_channels(job: Job, matrix: Array) -> Array:
    """Arrange a matrix (2N, F) as (blocks of channels, PLANES, width)."""
    matrix = jnp.pad(matrix, ((0, 0), (0, job.width - matrix.shape[1]))).astype(job.operands)
    planes = in_channels(job, matrix).reshape(2, job.n_blocks, CHANNELS, job.width)
    return planes.swapaxes(0, 1).reshape(job.n_blocks, PLANES, job.width)


def in_tiles(job: Job, x: Array, order: Sequence[int]) -> Array:
    """Cut (T, B, F) into (tiles, STEPS, R, ROWS, width), and put the axes into an order."""
    length, batch = job.tiles * STEPS, job.rows * ROWS
    padding = [
        (0, more - size) for more, size in zip((length, batch, job.width), x.shape, strict=True)
    ]
    x = jnp.pad(x.astype(job.operands), padding)
    return x.reshape(job.tiles, STEPS, job.rows, ROWS, job.width).transpose(order)


def blocks_of_features(features: int) -> int:
    """Return how many blocks features are cut into where they are summed over."""
    return 1 if features <= FEATURES_THAT_STAY else -(-features // FEATURES_AT_ONCE)


def round_up(features: int) -> int:
    """Return the width that features are padded to: whole blocks, each a multiple of CHANNELS."""
    return features + -features % (CHANNELS * blocks_of_features(features))


def block_size(width: int, most: int) -> int:
    """Return the largest size up to `most` that the width is a multiple of, in steps of CHANNELS."""
    return max(size for size in range(CHANNELS, most + 1, CHANNELS) if width % size == 0)


def launch(
    job: Job,
    body: Callable[..., None],
    out: Sequence[jax.ShapeDtypeStruct],
    grid: tuple[int, ...],
    shared: Sequence[tuple[int, int]],
    barriers: int,
    relay: Sequence[tuple[int, int]] = (),
) -> Callable[..., Any]:
    """Launch a body for every group of sequences, chunk and block.

    Args:
      job: what is computed.
      body: of `lru_tune.ops.pallas_layer_kernels`.
      out: shapes of the results.
      grid: groups of sequences, chunks, and blocks along one or two axes.
      shared: shapes in shared memory that the matrix unit reads.
      barriers: how many the body waits at.
      relay: shapes in shared memory that it does not read.
    """
    plgpu = mosaic_gpu("runtime.states fused")
    names = ("sequences", "chunk", "block", "other_block")[: len(grid)]
    interpreted = job.interpret is not None
    plan = Plan(
        job.chunks,
        job.tiling.chunk,
        job.n_blocks,
        job.in_blocks,
        job.reverse,
        _read_simply if interpreted else partial(_read_unaligned, plgpu),
    )

    def place_first(*refs: Any) -> None:
        body(plan, *(lax.axis_index(name) for name in names), *refs)

    return plgpu.kernel(
        place_first,
        out_type=tuple(out),
        grid=grid,
        grid_names=names,
        scratch_types=[
            *(_swizzled(plgpu, shape, job.operands) for shape in shared),
            *(plgpu.SMEM(shape, jnp.dtype(job.operands)) for shape in relay),
            plgpu.Barrier(num_barriers=barriers),
        ],
        compiler_params=plgpu.CompilerParams(lowering_semantics=plgpu.LoweringSemantics.Warpgroup),
        interpret=job.interpret,
    )


def _read_simply(ref: Any, index: tuple[Any, ...]) -> Array:
    return ref[index]


def _read_unaligned(plgpu: Any, ref: Any, index: tuple[Any, ...]) -> Array:
    """Read device memory in the matrix unit's layout, which Mosaic does on demand only."""
    return plgpu.load(ref, index, optimized=False)


def _swizzled(plgpu: Any, shape: tuple[int, int], dtype: str) -> Any:
    """Describe shared memory in the pattern that the matrix unit reads."""
    size = jnp.dtype(dtype).itemsize
    swizzle = plgpu.find_swizzle(8 * size * shape[-1])
    transforms = (plgpu.TilingTransform((8, swizzle // size)), plgpu.SwizzleTransform(swizzle))
    return plgpu.SMEM(shape, jnp.dtype(dtype), transforms=transforms)
