"""Which back end of the scan `auto` stands for: a rule on a CPU, a measurement on a GPU.

A back end that was named is taken or refused, never replaced. `auto` measures the candidates once for each
device, jax version and size of scan, forward and backward at the run's own shape: see
`lru_tune.ops.autotune.fastest`.
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from lru_tune.files.paths import compilation_cache
from lru_tune.ops.autotune.fastest import Clock, Contender, Numbers, fastest_of, measured, seconds
from lru_tune.ops.native.calls import native_obstacle
from lru_tune.ops.scan.linear_scan import SCAN_BACKENDS, ScanBackend, resolve_backend

logger = logging.getLogger(__name__)

# Where a platform is listed its candidates are measured; the first is what the others must agree with.
CANDIDATES = {"gpu": ("chunked", "associative", "pallas")}
# Numbers of a scan, T x B x 2N, from which on a CPU's whole step gains enough from the native scan to be
# worth the seconds that building it takes, once on a machine: see docs/speed.md.
NATIVE_PAYS = 2**22
# float32 over a memory of up to 1 / (1 - |lambda|) = 100 steps, relative to the largest number.
TOLERANCE = 1e-3


class Size(NamedTuple):
    """Size of a scan: T, B and N."""

    length: int
    batch: int
    n: int

    def bucket(self) -> "Size":
        """Return the size with every number rounded up to a power of two."""
        return Size(*(1 << (number - 1).bit_length() for number in self))

    def __str__(self) -> str:
        """Write the size as `T 2048, B 32, N 256`."""
        return f"T {self.length}, B {self.batch}, N {self.n}"


def choose_backend(name: str, size: Size) -> str:
    """Return the back end that a name, or `auto`, stands for on this process's default device.

    Args:
      name: a key of SCAN_BACKENDS, or `auto`.
      size: of the scans to come.

    Raises:
      ConfigError, ResourcesMissing: the back end of that name does not run here.
      ResourcesMissing: none that `auto` knows does.
    """
    platform = jax.default_backend()
    if name == "auto" and platform == "cpu":
        return backend_of_a_cpu(size)
    if name != "auto" or platform not in CANDIDATES:
        return resolve_backend(name)
    candidates = {name: SCAN_BACKENDS[name] for name in CANDIDATES[platform]}
    return fastest(candidates, size, compilation_cache() / "scan")


def backend_of_a_cpu(size: Size, obstacle: Callable[[], str | None] = native_obstacle) -> str:
    """Return `native` for large scans, where it can be built, and `sequential` otherwise.

    Args:
      size: of the scans to come.
      obstacle: builds the native scan, or returns why it cannot.
    """
    if 2 * size.length * size.batch * size.n < NATIVE_PAYS:
        return "sequential"
    problem = obstacle()
    if problem is None:
        logger.info("scan: native (%s)", size)
        return "native"
    logger.info("scan: sequential (%s); native would be faster, but: %s", size, problem)
    return "sequential"


def fastest(
    candidates: Mapping[str, ScanBackend],
    size: Size,
    folder: Path,
    *,
    device: str | None = None,
    clock: Clock = seconds,
) -> str:
    """Return the fastest of some back ends, from an earlier measurement where there is one.

    Those that fail or deviate from the first one are left out with a warning.

    Args:
      candidates: name -> back end.
      size: of the scan.
      folder: of earlier measurements.
      device: kind of device that measurements hold for; left out, this process's default.
      clock: returns the seconds of a call.

    Raises:
      ResourcesMissing: none of them runs.
    """
    return fastest_of(
        "scan",
        _contenders(candidates, size),
        {"size": list(size.bucket())},
        str(size),
        folder,
        TOLERANCE,
        device=device,
        clock=clock,
    )


def measure(
    candidates: Mapping[str, ScanBackend], size: Size, clock: Clock = seconds
) -> dict[str, float]:
    """Return the seconds of forward and backward pass together, of those back ends that give the numbers.

    Raises:
      ResourcesMissing: there is none.
    """
    return measured("scan", _contenders(candidates, size), TOLERANCE, clock)


def _contenders(candidates: Mapping[str, ScanBackend], size: Size) -> dict[str, Contender]:
    arguments = _problem(size)
    return {
        name: Contender(backend.demand, partial(_compiled, backend, arguments))
        for name, backend in candidates.items()
    }


def _problem(size: Size) -> tuple[Array, Array, Array]:
    """Return decay, drive and gradient of a scan whose memory is about a hundred steps."""
    angle = jnp.linspace(0.0, 3.0, size.n)
    decay = 0.99 * jnp.concatenate([jnp.cos(angle), jnp.sin(angle)])
    keys = jax.random.split(jax.random.key(0))
    shape = (size.length, size.batch, 2 * size.n)
    return decay, jax.random.normal(keys[0], shape), jax.random.normal(keys[1], shape)


def _compiled(backend: ScanBackend, arguments: tuple[Array, Array, Array]) -> Callable[[], Numbers]:
    @jax.jit
    def both(decay: Array, drive: Array, grad: Array) -> Numbers:
        states = backend.forward(decay, drive, False)
        return states, *backend.backward(decay, states, grad, False)

    return lambda: both(*arguments)
