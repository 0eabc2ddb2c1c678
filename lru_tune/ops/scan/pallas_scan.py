"""The linear scan on a GPU, as Pallas kernels lowered by Mosaic GPU.

A program instance is one warpgroup; each of its 128 threads owns a channel of one sequence and walks a chunk
of time, h_t = lambda h_{t-1} + b_t, both planes in registers. Where one chunk does not hold the whole
sequence, three phases take two kernels:

1. `summarise`: every chunk but the last walks from a zero state and writes the state it ends in.
2. Each instance of the second kernel walks over the ends of the chunks before its own with lambda^chunk, and
   so knows the state that enters its chunk.
3. `replay`: it walks the chunk again from that state and writes the states.

Traffic of device memory in drives, (T, B, 2N) numbers, for C chunks:

    forward    C = 1:  1 read, 1 write        C > 1:  2 - 1/C reads, 1 write, and C rows of 2N a sequence
    backward   C = 1:  2 reads, 1 write       C > 1:  3 - 1/C reads, 1 write, and C rows likewise, twice

The least possible is the figure of C = 1. Chunks are the price for work on all multiprocessors: B * N / 128
instances alone leave most of a GPU idle unless the batch is large; `tiling` weighs the two.

Rows go from device memory to registers and back: nothing is shared between threads, so that the kernels need
no shared memory, no barriers and no matrix unit. Several rows are asked for before the first is used,
since a warp waits for memory about as long as it computes some hundred steps.

Where N is not a multiple of 128 the last block of channels overlaps the one before it: both write the same
numbers. Where N is below 128 the batch is folded into the channels, at the cost of a copy in and out.

Lowered for CUDA by jax 0.10.2 and 0.11.2 and tested in interpret mode (tests/ops/scan/test_pallas_scan.py);
not
yet run on a GPU. Pallas is experimental and its names may move. Its Triton back end, deprecated since jax
0.11, is not used. Mosaic GPU is built for Hopper and newer.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from lru_tune.errors import ConfigError, ResourcesMissing
from lru_tune.ops.scan.pallas_kernels import LANES, Complex, Plan

INSTANCES = 1024  # wanted at least; about eight warpgroups for each of an H100's multiprocessors
NAMES = (  # of Mosaic GPU, experimental as it is, that all kernels together need
    *("kernel", "CompilerParams", "LoweringSemantics", "SMEM", "ACC", "Barrier", "load"),
    *("find_swizzle", "TilingTransform", "SwizzleTransform", "copy_gmem_to_smem", "barrier_wait"),
    *("wgmma", "wgmma_wait", "commit_smem"),
)
SHORTEST_CHUNK = 128  # shorter ones would spend their time on finding the state they start from

Body = Callable[..., None]
Launch = Callable[[Body, Sequence[jax.ShapeDtypeStruct], tuple[int, ...]], Callable[..., Any]]


class Tiling(NamedTuple):
    """How the work is cut.

    Attributes:
      chunk: steps that one instance walks.
      ahead: rows asked for before the first of them is used.
    """

    chunk: int
    ahead: int = 8


def tiling(length: int, batch: int, n: int) -> Tiling:
    """Return the longest chunks, by powers of two, that still give INSTANCES instances.

    By reasoning, not by measurement: `python -m benchmarks.gpu` sweeps both numbers on a GPU.
    """
    rows = batch * -(-n // LANES)
    chunk = SHORTEST_CHUNK
    while chunk < length and rows * -(-length // (2 * chunk)) >= INSTANCES:
        chunk *= 2
    return Tiling(chunk)


def mosaic_gpu(needed_by: str) -> Any:
    """Import Mosaic GPU; on first use, since that takes a while and a CPU has no use for it.

    Args:
      needed_by: the setting that asks for it, as `runtime.scan pallas`.

    Raises:
      ResourcesMissing: this jax has it under other names, or not at all.
    """
    try:
        from jax.experimental.pallas import mosaic_gpu as plgpu

        for name in NAMES:
            getattr(plgpu, name)
    except (ImportError, AttributeError) as error:
        raise ResourcesMissing(
            f"{needed_by} needs Pallas with Mosaic GPU, which jax {jax.__version__} does not have "
            f"where it is looked for ({error}); choose runtime.scan: auto, chunked or associative, and "
            "runtime.states: kept or recomputed"
        ) from error
    return plgpu


def mosaic(
    body: Body,
    out: Sequence[jax.ShapeDtypeStruct],
    grid: tuple[int, ...],
    *,
    interpret: Any = None,
) -> Callable[..., Any]:
    """Launch a kernel body on a GPU: Pallas by Mosaic GPU.

    Args:
      body: takes the chunk, the sequence and the block of channels, then the arrays, then the results.
      out: shapes of the results.
      grid: instances along these three.
      interpret: parameters of Mosaic's own interpreter, which is exact and very slow.

    Raises:
      ResourcesMissing: this jax has no Mosaic GPU under the names known here.
    """
    plgpu = mosaic_gpu("runtime.scan pallas")
    names = ("chunk", "sequence", "block")

    def place_first(*refs: Any) -> None:
        body(*(lax.axis_index(name) for name in names), *refs)

    # No thread reads what another wrote, so that the barriers around every store can go.
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
    """Run a kernel body on any device, one instance after the other: for tests."""
    from jax.experimental import pallas as pl

    def place_first(*refs: Any) -> None:
        body(*(pl.program_id(axis) for axis in range(len(grid))), *refs)

    return pl.pallas_call(place_first, out_shape=tuple(out), grid=grid, interpret=True)


def require_pallas() -> None:
    """Ask for a GPU.

    Raises:
      ConfigError: the default device is none.
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
      cut: chunk and rows asked for ahead; left out, by `tiling`.
      launch: `mosaic`, or `interpreted` for tests.

    Returns:
      (T, B, 2N), planes of h.

    Raises:
      ValueError: another dtype.
      ResourcesMissing: see `mosaic`.
    """
    decay, (drive,), unfold = _fold(decay, (drive,))
    plan, grid = _plan(drive, reverse, cut)
    before = _before(plan, grid, launch, decay, drive)
    (states,) = launch(plan.replay, (_like(drive),), grid)(decay, *before, drive)
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

    While the scan of the adjoint g_t = grad_t + conj(lambda) g_{t+1} passes, each thread adds up its
    channel's conj(h_t) g_{t+1}; what is left to sum afterwards is a number a chunk, sequence and channel.
    """
    width = decay.shape[-1]
    decay, (states, grad), unfold = _fold(decay, (states, grad))
    plan, grid = _plan(grad, not reverse, cut)
    conjugate = jnp.concatenate([decay[: plan.n], -decay[plan.n :]])
    before = _before(plan, grid, launch, conjugate, grad)
    sums = jax.ShapeDtypeStruct((plan.n_chunks, *grad.shape[1:]), grad.dtype)
    replay = launch(plan.replay_adjoint, (_like(grad), sums), grid)
    grad_drive, grad_decay = replay(conjugate, *before, grad, states)
    return jnp.sum(unfold(grad_decay).reshape(-1, width), axis=0), unfold(grad_drive)


def _like(x: Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, x.dtype)


def _fold(
    decay: Array, sequences: tuple[Array, ...]
) -> tuple[Array, tuple[Array, ...], Callable[[Array], Array]]:
    """Give (T, B, 2N) arrays at least LANES channels, and return how to take that back."""
    _, batch, width = sequences[0].shape
    n = width // 2
    if any(x.dtype != jnp.float32 for x in (decay, *sequences)):
        found = {str(x.dtype) for x in (decay, *sequences)}
        raise ValueError(f"the pallas scan computes in float32, got {', '.join(sorted(found))}")
    if n >= LANES:
        return decay, sequences, lambda x: x
    padding = max(0, LANES - batch * n)

    def fold(x: Array) -> Array:
        planes = x.reshape(x.shape[0], batch, 2, n).swapaxes(1, 2).reshape(-1, 2, batch * n)
        planes = jnp.pad(planes, ((0, 0), (0, 0), (0, padding)))
        return planes.reshape(-1, 1, 2 * (batch * n + padding))

    def unfold(x: Array) -> Array:
        planes = x.reshape(x.shape[0], 2, -1)[:, :, : batch * n].reshape(-1, 2, batch, n)
        return planes.swapaxes(1, 2).reshape(-1, batch, width)

    decays = jnp.broadcast_to(decay[None, None, :], (1, batch, width))
    return fold(decays).reshape(-1), tuple(fold(x) for x in sequences), unfold


def _plan(drive: Array, reverse: bool, cut: Tiling | None) -> tuple[Plan, tuple[int, int, int]]:
    """Return the plan for a scan of this shape, and the grid of its instances."""
    length, batch, width = drive.shape
    chosen = cut or tiling(length, batch, width // 2)
    plan = Plan(length, width // 2, min(chosen.chunk, length), chosen.ahead, reverse)
    return plan, (plan.n_chunks, batch, plan.n_blocks)


def _before(
    plan: Plan, grid: tuple[int, int, int], launch: Launch, decay: Array, drive: Array
) -> tuple[Array, ...]:
    """Return decay^chunk and the states that all chunks but the last end in; nothing of a single chunk."""
    if plan.n_chunks == 1:
        return ()
    ends = jax.ShapeDtypeStruct((plan.n_chunks - 1, *drive.shape[1:]), drive.dtype)
    launched = launch(plan.summarise, (ends,), (plan.n_chunks - 1, *grid[1:]))
    power = Complex(decay[: plan.n], decay[plan.n :]).power(plan.chunk)
    return jnp.concatenate(power), *launched(decay, drive)
