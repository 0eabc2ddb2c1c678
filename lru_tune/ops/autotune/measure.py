"""How long the scan takes on this device, for each of several back ends at one size."""

import logging
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from lru_tune.errors import LruTuneError, ResourcesMissing
from lru_tune.ops.scan.linear_scan import ScanBackend

logger = logging.getLogger(__name__)

REPEATS = 5
# float32 over a memory of up to 1 / (1 - |lambda|) = 100 steps, relative to the largest number.
TOLERANCE = 1e-3
# What JAX raises when it compiles or runs a kernel that a device cannot run.
FAILURES = (RuntimeError, NotImplementedError, TypeError, ValueError, LruTuneError)

Numbers = tuple[Array, ...]
Call = Callable[[], Numbers]
Clock = Callable[[Call], float]


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


def seconds(call: Call) -> float:
    """Return the median seconds of REPEATS calls; make the first call, which compiles, beforehand."""
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def measure(
    candidates: Mapping[str, ScanBackend], size: Size, clock: Clock = seconds
) -> dict[str, float]:
    """Return the seconds of forward and backward pass together for each back end.

    Back ends that fail, or whose numbers deviate from those of the first one that runs, are left out with a
    warning.

    Args:
      candidates: name -> back end.
      size: of the scan.
      clock: returns the seconds of a call.

    Raises:
      ResourcesMissing: none of them runs.
    """
    found: dict[str, float] = {}
    expected: Numbers | None = None
    arguments = _problem(size)
    for name, backend in candidates.items():
        try:
            backend.require()
            call = _compiled(backend, arguments)
            numbers = jax.block_until_ready(call())
            deviation = 0.0 if expected is None else _deviation(numbers, expected)
            if not deviation <= TOLERANCE:
                logger.warning("scan: %s is left out, its numbers deviate by %.1e", name, deviation)
                continue
            found[name] = clock(call)
        except FAILURES as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            logger.warning("scan: %s is left out, it does not run here: %s", name, reason)
            continue
        expected = numbers if expected is None else expected
    if not found:
        raise ResourcesMissing("ops.no-scan-runs", candidates=", ".join(candidates))
    return found


def _problem(size: Size) -> tuple[Array, Array, Array]:
    """Return decay, drive and gradient of a scan whose memory is about a hundred steps."""
    angle = jnp.linspace(0.0, 3.0, size.n)
    decay = 0.99 * jnp.concatenate([jnp.cos(angle), jnp.sin(angle)])
    keys = jax.random.split(jax.random.key(0))
    shape = (size.length, size.batch, 2 * size.n)
    return decay, jax.random.normal(keys[0], shape), jax.random.normal(keys[1], shape)


def _compiled(backend: ScanBackend, arguments: tuple[Array, Array, Array]) -> Call:
    @jax.jit
    def both(decay: Array, drive: Array, grad: Array) -> Numbers:
        states = backend.forward(decay, drive, False)
        return states, *backend.backward(decay, states, grad, False)

    return lambda: both(*arguments)


def _deviation(numbers: Numbers, expected: Numbers) -> float:
    """Return the largest difference relative to the largest number; NaN if a number is."""
    return max(
        float(jnp.max(jnp.abs(ours - theirs)) / jnp.max(jnp.abs(theirs)))
        for ours, theirs in zip(numbers, expected, strict=True)
    )
