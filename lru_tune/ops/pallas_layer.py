"""A recurrent layer on a GPU with B, the scan and C in one kernel; its states never reach device memory.

y_t = Re(C h_t) with h_t = lambda h_{t-1} + B u_t, as in `lru_tune.ops.fused_layer`, in three phases over
chunks of time as in `lru_tune.ops.scan.pallas_scan`:

1. `ends`: B and the scan of every chunk from a zero state; what is written is the state it ends in.
2. The scan over those ends, one state a chunk: the states that enter the chunks.
3. `outputs`: B, the scan and C of every chunk from the state that enters it; the outputs are written.

The backward pass keeps nothing but the inputs, which exist anyway, and the states that enter chunks. The
gradient of the inputs is the same layer run the other way with conj(lambda), C^T for B and B^T for C. Those
of B and C are sums over time of outer products, `outer`: each of one layer's states with the other's inputs.
That of lambda goes with the states as they are computed again, `decay_sums`.

Factors of the products are rounded to bf16 and added up in float32, the recurrence is float32: what
`runtime.matmul: bf16` says. Float32 factors would fill an H100's shared memory with B and C alone.

Numbers of 4 bytes that a step of a sequence moves to and from device memory, for F features, N channels,
chunks of L steps and instances of `outer` that add up S steps; bf16 copies count half:

    forward    5.5 F + about 14 N / L                 states kept, `pallas_scan`:   2 F + 10 N
    backward   13 F + about 28 N / L + F N / S                                      4 F + 16 N

B and C come from the L2 cache, once for every 64 columns. Products of matrices, each as large as B times the
inputs: 3 forward and 9 backward, where a layer that keeps its states takes 2 and 4; each further block of
outputs or of an outer product takes one more.

Lowered for CUDA and tested in Mosaic's interpreter (tests/ops/test_pallas_layer.py); not yet run on a GPU.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from lru_tune.errors import ConfigError
from lru_tune.ops import pallas_layer_kernels as kernels
from lru_tune.ops.fused_layer import Weights
from lru_tune.ops.pallas_layer_kernels import CHANNELS, COLUMNS, PLANES, ROWS, STEPS
from lru_tune.ops.pallas_layer_tiles import (
    RELAY,
    Drive,
    Job,
    Tiling,
    arranged,
    block_size,
    in_blocks_of_channels,
    in_tiles,
    launch,
    round_up,
)
from lru_tune.ops.scan.linear_scan import conjugate_planes
from lru_tune.ops.scan.pallas_kernels import Complex
from lru_tune.ops.scan.pallas_scan import mosaic, pallas_scan

INSTANCES = 256  # wanted at least; two for each of an H100's multiprocessors
MOST_FEATURES = 512
WIDEST_OUTPUT = 192  # of a block of outputs, which are added up in registers
WIDEST_OUTER = 128  # of a block of an outer product, likewise; its other side has PLANES rows


def demand_features(features: int) -> None:
    """Ask that a tile of inputs fits into shared memory, with blocks of B and C beside it.

    Raises:
      ConfigError: it does not.
    """
    if features > MOST_FEATURES:
        raise ConfigError(
            f"runtime.states fused holds at most {MOST_FEATURES} features in shared memory, and "
            f"model.d_model is {features}; choose runtime.states: kept, or recomputed"
        )


def demand_pallas_layer(features: int) -> None:
    """Ask for a GPU, and for a layer that it can hold.

    Raises:
      ConfigError: the default device is none, or there are too many features.
    """
    demand_features(features)
    if (device := jax.default_backend()) != "gpu":
        raise ConfigError(
            f"runtime.states fused is a kernel for GPUs, and this process computes on {device!r}; choose "
            "runtime.states: kept, or recomputed"
        )


def tiling(length: int, batch: int, n: int) -> Tiling:
    """Return the longest chunks, and sums over the most of them, that still give INSTANCES instances.

    By reasoning, not by measurement: `python -m benchmarks.gpu` sweeps both numbers on a GPU.
    """
    tiles, rows, n_blocks = -(-length // STEPS), -(-batch // ROWS), -(-n // CHANNELS)
    chunk = span = 1
    while chunk < tiles and rows * -(-tiles // (2 * chunk)) >= INSTANCES:
        chunk *= 2
    chunks = -(-tiles // chunk)
    while chunks % (2 * span) == 0 and rows * n_blocks * (chunks // (2 * span)) >= INSTANCES:
        span *= 2
    return Tiling(chunk, span)


def pallas_layer(
    weights: Weights,
    inputs: Array,
    *,
    reverse: bool = False,
    cut: Tiling | None = None,
    operands: str = "bfloat16",
    interpret: Any = None,
) -> Array:
    """Return the readout of h_t = lambda h_{t-1} + B u_t from a zero state.

    Args:
      weights: of the layer, float32.
      inputs: u, (T, B, H), float32.
      reverse: run from the last step to the first.
      cut: chunk and span; left out, by `tiling`.
      operands: dtype that factors of products are rounded to; a GPU takes `bfloat16` only.
      interpret: parameters of Mosaic's own interpreter, for tests.

    Returns:
      (T, B, G).

    Raises:
      ValueError: another dtype.
      ResourcesMissing: this jax has no Mosaic GPU under the names known here.
    """
    found = {str(x.dtype) for x in (*weights, inputs)}
    if found != {"float32"}:
        raise ValueError(f"the pallas layer computes in float32, got {', '.join(sorted(found))}")
    length, batch, features = inputs.shape
    n = weights.decay.shape[0] // 2
    width = round_up(max(features, weights.read.shape[1]))
    cut = cut or tiling(length, batch, n)
    job = Job(length, batch, n, width, cut, reverse, operands, interpret)
    return _layer(job, weights, inputs)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _layer(job: Job, weights: Weights, inputs: Array) -> Array:
    return _forward(job, weights, inputs)[0]


def _forward(
    job: Job, weights: Weights, inputs: Array
) -> tuple[Array, tuple[Weights, Array, Array]]:
    drive = arranged(job, weights.decay, weights.enter, inputs)
    entering = _entering(drive)
    return _outputs(drive, entering, weights.read), (weights, inputs, entering)


def _backward(
    job: Job, residuals: tuple[Weights, Array, Array], grads: Array
) -> tuple[Weights, Array]:
    weights, inputs, entering = residuals
    there = arranged(job, weights.decay, weights.enter, inputs)
    back = arranged(
        job._replace(reverse=not job.reverse), conjugate_planes(weights.decay), weights.read, grads
    )
    entering_back = _entering(back)
    sums = Weights(
        decay=_decay_sums(there, entering, back, entering_back),
        enter=_outer(back, entering_back, inputs),
        read=_outer(there, entering, grads),
    )
    return sums, _outputs(back, entering_back, weights.enter)


_layer.defvjp(_forward, _backward)


def _entering(drive: Drive) -> Array:
    """Return the states that enter the chunks, in the order of the scan: (chunks, 2, R, N, ROWS)."""
    job = drive.job
    start = jnp.zeros(job.states(1).shape, jnp.float32)
    if job.chunks == 1:
        return start
    shared = [(job.width, COLUMNS), (PLANES, drive.blocks.shape[2])]
    out = (job.states(job.chunks - 1),)
    grid = (job.rows, job.chunks - 1, job.n_blocks)
    launched = launch(job, kernels.ends, out, grid, shared, 2)
    (ends,) = launched(drive.decay, drive.inputs, drive.blocks)
    power = Complex(*drive.decay).power(job.tiling.chunk * STEPS)
    decays = jnp.broadcast_to(jnp.stack(power)[:, None], ends.shape[1:])
    # The scan takes all sequences as channels of one, so that nothing is rearranged.
    scanned = pallas_scan(
        decays.reshape(-1),
        ends.reshape(ends.shape[0], 1, -1),
        False,
        launch=partial(mosaic, interpret=job.interpret),
    )
    return jnp.concatenate([start, scanned.reshape(ends.shape)])


def _outputs(drive: Drive, entering: Array, read: Array) -> Array:
    """Return (T, B, G), from what the states are multiplied with, (2N, G)."""
    job = drive.job
    size = block_size(job.width, WIDEST_OUTPUT)
    count = job.width // size
    blocks = (
        in_blocks_of_channels(job, read)
        .reshape(job.n_blocks, PLANES, count, size)
        .transpose(2, 0, 3, 1)
    )
    out = jax.ShapeDtypeStruct((job.tiles, job.rows, job.width, COLUMNS), jnp.float32)
    shared = [
        (job.width, COLUMNS),
        (PLANES, drive.blocks.shape[2]),
        (size, PLANES),
        (PLANES, COLUMNS),
    ]
    grid = (job.rows, job.chunks, count)
    launched = launch(job, kernels.outputs, (out,), grid, shared, 3, relay=[RELAY])
    blocks = blocks.reshape(count * job.n_blocks, size, PLANES)
    (values,) = launched(drive.decay, entering, drive.inputs, drive.blocks, blocks)
    values = values.reshape(job.tiles, job.rows, job.width, STEPS, ROWS).transpose(0, 3, 1, 4, 2)
    values = values.reshape(job.tiles * STEPS, job.rows * ROWS, job.width)
    return values[: job.length, : job.batch, : read.shape[1]]


def _outer(drive: Drive, entering: Array, others: Array) -> Array:
    """Sum the outer products of states and (T, B, F) over time and sequences: (2N, F)."""
    job = drive.job
    span = job.tiling.span
    size = block_size(job.width, WIDEST_OUTER)
    whole = job._replace(tiling=Tiling(span * job.tiling.chunk, 1))
    tiles = in_tiles(job, others, (0, 2, 1, 3, 4)).reshape(job.tiles, job.rows, COLUMNS, job.width)
    out = jax.ShapeDtypeStruct(
        (whole.chunks, job.rows, job.n_blocks, PLANES, job.width), jnp.float32
    )
    shared = [
        (job.width, COLUMNS),
        (PLANES, drive.blocks.shape[2]),
        (COLUMNS, size),
        (PLANES, COLUMNS),
    ]
    grid = (job.rows, whole.chunks, job.n_blocks, job.width // size)
    launched = launch(whole, kernels.outer, (out,), grid, shared, 3, relay=[RELAY])
    (sums,) = launched(drive.decay, entering[::span], drive.inputs, drive.blocks, tiles)
    planes = jnp.sum(sums, axis=(0, 1)).reshape(job.n_blocks, 2, CHANNELS, job.width).swapaxes(0, 1)
    planes = planes.reshape(2, -1, job.width)[:, : job.n, : others.shape[2]]
    return planes.reshape(2 * job.n, -1)


def _decay_sums(there: Drive, entering: Array, back: Drive, entering_back: Array) -> Array:
    """Return the gradient of the decay, (2N,): its part within chunks, and that through their ends."""
    job = there.job
    out = (job.states(job.chunks),) * 2
    shared = [(job.width, COLUMNS), (PLANES, there.blocks.shape[2])] * 2
    grid = (job.rows, job.chunks, job.n_blocks)
    launched = launch(job, kernels.decay_sums, out, grid, shared, 4)
    sums, lasts = launched(
        there.decay, entering, there.inputs, there.blocks, back.inputs, back.blocks
    )
    # What enters a chunk from its end belongs to the step after it: one more factor conj(lambda).
    conjugate = Complex(*back.decay[:, None, None])
    from_next = conjugate.times(Complex(*entering_back[::-1].swapaxes(0, 1)))
    through_ends = Complex(*lasts.swapaxes(0, 1)).conjugate().times(from_next)
    total = jnp.sum(jnp.stack(through_ends) + sums.swapaxes(0, 1), axis=(1, 2, 4))
    return total[:, : job.n].reshape(-1)
