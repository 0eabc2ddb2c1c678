"""The linear scan on a GPU, as Pallas kernels lowered by Mosaic GPU.

A program instance is one warpgroup; each of its 128 threads owns a channel of one sequence and walks a chunk
of time, h_t = lambda h_{t-1} + b_t, both planes in registers. Where one chunk does not hold the whole
sequence, three phases take two kernels:

1. `summarise`: for every chunk but the last, an instance walks from a zero state and writes the final state.
2. Each instance of the second kernel walks over the final states of the chunks before its own, with
   lambda^chunk, which gives the state that enters its chunk.
3. `replay`: it walks its chunk again from that state and writes the states.

Traffic of device memory in drives, (T, B, 2N) numbers, for C chunks:

    forward    C = 1:  1 read, 1 write        C > 1:  2 - 1/C reads, 1 write, and C rows of 2N a sequence
    backward   C = 1:  2 reads, 1 write       C > 1:  3 - 1/C reads, 1 write, and C rows likewise, twice

C = 1 is the least possible traffic. More chunks keep more multiprocessors busy: B * N / 128 instances alone
leave most of a GPU idle unless the batch is large. `tiling` weighs the two.

Rows go from device memory to registers and back. Threads share nothing, so that the kernels need no shared
memory, barriers or matrix units. Several rows are requested before the first is used, since a warp waits for
memory about as long as it takes to compute some hundred steps.

If N is not a multiple of 128, the last block of channels overlaps the one before it: both write the same
numbers. If N is below 128, the batch is folded into the channels, at the cost of a copy in and out.

Experimental: lowered for CUDA by jax 0.10.2 and 0.11.2 and tested in interpret mode
(tests/ops/scan/test_pallas_scan.py), but not yet run on a GPU. Pallas is experimental, too, and its names may
change. Its Triton back end, deprecated since jax 0.11, is not used. Mosaic GPU needs Hopper or newer.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from lru_tune.errors import ConfigError, ResourcesMissing
from lru_tune.ops.scan.pallas_kernels import THREADS, Complex, LaunchShape

INSTANCES = 1024  # at least, if possible: about eight warpgroups for each multiprocessor of an H100
NAMES = ("kernel", "CompilerParams")  # what is used of Mosaic GPU, which is experimental
SHORTEST_CHUNK = 128  # shorter ones would spend most of their time on the state that enters them

Body = Callable[..., None]
Launch = Callable[[Body, Sequence[jax.ShapeDtypeStruct], tuple[int, ...]], Callable[..., Any]]


class Tiling(NamedTuple):
    """How the work is divided.

    Attributes:
      chunk: steps that one instance walks.
      ahead: rows requested before the first of them is used.
    """

    chunk: int
    ahead: int = 8


def tiling(length: int, batch: int, n: int) -> Tiling:
    """Return the longest chunk, by powers of two, that still gives INSTANCES instances.

    This is an estimate, not a measurement: `python -m benchmarks.gpu` sweeps both numbers on a GPU.
    """
    rows = batch * -(-n // THREADS)
    chunk = SHORTEST_CHUNK
    while chunk < length and rows * -(-length // (2 * chunk)) >= INSTANCES:
        chunk *= 2
    return Tiling(chunk)


def mosaic_gpu() -> Any:
    """Import Mosaic GPU, on first use: the import takes a while, and a CPU does not need it.

    Raises:
      ResourcesMissing: this jax has it under other names, or not at all.
    """
    try:
        from jax.experimental.pallas import mosaic_gpu as plgpu

        for name in NAMES:
            getattr(plgpu, name)
    except (ImportError, AttributeError) as error:
        raise ResourcesMissing("ops.no-mosaic-gpu", jax=jax.__version__, reason=error) from error
    return plgpu


def mosaic(
    body: Body,
    out: Sequence[jax.ShapeDtypeStruct],
    grid: tuple[int, ...],
    *,
    interpret: Any = None,
) -> Callable[..., Any]:
    """Launch a kernel body on a GPU with Mosaic GPU.

    Args:
      body: takes the chunk, the sequence and the block of channels, then the arrays, then the results.
      out: shapes of the results.
      grid: instances along these three.
      interpret: parameters of Mosaic's own interpreter, which is exact and very slow.

    Raises:
      ResourcesMissing: as `mosaic_gpu`.
    """
    plgpu = mosaic_gpu()
    names = ("chunk", "sequence", "block")

    def place_first(*refs: Any) -> None:
        body(*(lax.axis_index(name) for name in names), *refs)

    # No thread reads what another wrote, so no barriers around the stores are needed.
    return plgpu.kernel(
        place_first,
        out_type=tuple(out),
        grid=grid,
        grid_names=names,
        compiler_params=plgpu.CompilerParams(unsafe_no_auto_barriers=True),
        interpret=interpret,
    )


def interpreted(
    body: Body, out: Sequence[jax.ShapeDtypeStruct], grid: tuple[int, ...]
) -> Callable[..., Any]:
    """Run a kernel body on any device, one instance after the other; for tests."""
    from jax.experimental import pallas as pl

    def place_first(*refs: Any) -> None:
        body(*(pl.program_id(axis) for axis in range(len(grid))), *refs)

    return pl.pallas_call(place_first, out_shape=tuple(out), grid=grid, interpret=True)


def require_pallas() -> None:
    """Check that the default device is a GPU.

    Raises:
      ConfigError: it is not.
    """
    if (device := jax.default_backend()) != "gpu":
        raise ConfigError("ops.pallas-needs-gpu", device=device)


def pallas_scan(
    decay: Array,
    drive: Array,
    reverse: bool,
    *,
    cut: Tiling | None = None,
    launch: Launch = mosaic,
) -> Array:
    """Solve h_t = lambda h_{t-1} + b_t from a zero state (h_{t+1} in place of h_{t-1} if reverse).

    Args:
      decay: (2N,), planes of lambda, float32.
      drive: (T, B, 2N), planes of b, float32.
      reverse: run from the last step to the first.
      cut: the tiling; by default that of `tiling`.
      launch: `mosaic`, or `interpreted` for tests.

    Returns:
      (T, B, 2N), planes of h.

    Raises:
      ValueError: another dtype.
      ResourcesMissing: see `mosaic`.
    """
    decay, (drive,), unfold = _fold(decay, (drive,))
    shape, grid = _launch_shape(drive, reverse, cut)
    before = _before(shape, grid, launch, decay, drive)
    (states,) = launch(shape.replay, (_like(drive),), grid)(decay, *before, drive)
    return unfold(states)


def pallas_adjoint(
    decay: Array,
    states: Array,
    grad: Array,
    reverse: bool,
    *,
    cut: Tiling | None = None,
    launch: Launch = mosaic,
) -> tuple[Array, Array]:
    """Return the gradients of decay and drive for the gradient `grad` of the states of `pallas_scan`.

    While it scans the adjoint g_t = grad_t + conj(lambda) g_{t+1}, each thread sums conj(h_t) g_{t+1} of its
    channel. One number for each chunk, sequence and channel is left to sum afterwards.
    """
    width = decay.shape[-1]
    decay, (states, grad), unfold = _fold(decay, (states, grad))
    shape, grid = _launch_shape(grad, not reverse, cut)
    conjugate = jnp.concatenate([decay[: shape.n], -decay[shape.n :]])
    before = _before(shape, grid, launch, conjugate, grad)
    sums = jax.ShapeDtypeStruct((shape.n_chunks, *grad.shape[1:]), grad.dtype)
    replay = launch(shape.replay_adjoint, (_like(grad), sums), grid)
    grad_drive, grad_decay = replay(conjugate, *before, grad, states)
    return jnp.sum(unfold(grad_decay).reshape(-1, width), axis=0), unfold(grad_drive)


def _like(x: Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, x.dtype)


def _fold(
    decay: Array, sequences: tuple[Array, ...]
) -> tuple[Array, tuple[Array, ...], Callable[[Array], Array]]:
    """Fold the batch into channels until (T, B, 2N) arrays have THREADS of them; return also the inverse."""
    _, batch, width = sequences[0].shape
    n = width // 2
    if any(x.dtype != jnp.float32 for x in (decay, *sequences)):
        found = {str(x.dtype) for x in (decay, *sequences)}
        raise ValueError(f"the pallas scan computes in float32, got {', '.join(sorted(found))}")
    if n >= THREADS:
        return decay, sequences, lambda x: x
    padding = max(0, THREADS - batch * n)

    def fold(x: Array) -> Array:
        planes = x.reshape(x.shape[0], batch, 2, n).swapaxes(1, 2).reshape(-1, 2, batch * n)
        planes = jnp.pad(planes, ((0, 0), (0, 0), (0, padding)))
        return planes.reshape(-1, 1, 2 * (batch * n + padding))

    def unfold(x: Array) -> Array:
        planes = x.reshape(x.shape[0], 2, -1)[:, :, : batch * n].reshape(-1, 2, batch, n)
        return planes.swapaxes(1, 2).reshape(-1, batch, width)

    decays = jnp.broadcast_to(decay[None, None, :], (1, batch, width))
    return fold(decays).reshape(-1), tuple(fold(x) for x in sequences), unfold


def _launch_shape(
    drive: Array, reverse: bool, cut: Tiling | None
) -> tuple[LaunchShape, tuple[int, int, int]]:
    """Return how the kernels of this scan are launched, and the grid of their instances."""
    length, batch, width = drive.shape
    chosen = cut or tiling(length, batch, width // 2)
    shape = LaunchShape(length, width // 2, min(chosen.chunk, length), chosen.ahead, reverse)
    return shape, (shape.n_chunks, batch, shape.n_blocks)


def _before(
    shape: LaunchShape, grid: tuple[int, int, int], launch: Launch, decay: Array, drive: Array
) -> tuple[Array, ...]:
    """Return decay^chunk and the final states of all chunks but the last; nothing if there is one chunk."""
    if shape.n_chunks == 1:
        return ()
    ends = jax.ShapeDtypeStruct((shape.n_chunks - 1, *drive.shape[1:]), drive.dtype)
    launched = launch(shape.summarise, (ends,), (shape.n_chunks - 1, *grid[1:]))
    power = Complex(decay[: shape.n], decay[shape.n :]).power(shape.chunk)
    return jnp.concatenate(power), *launched(decay, drive)
