"""Which back end of the scan `auto` stands for: a rule on a CPU, a measurement on a GPU.

A back end that was named is taken or refused, never replaced. `auto` measures the candidates once for each
device, jax version and size of scan, forward and backward at the run's own shape; what it found is kept in
the cache folder, a file each, so that processes that measure at the same time do no harm.
"""

import hashlib
import json
import logging
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from lru_tune.atomic import write_atomically
from lru_tune.errors import LruTuneError, ResourcesMissing
from lru_tune.layout import compilation_cache
from lru_tune.ops.native.calls import native_obstacle
from lru_tune.ops.scan import SCAN_BACKENDS, ScanBackend, resolve_backend

logger = logging.getLogger(__name__)

# Where a platform is listed its candidates are measured; the first is what the others must agree with.
CANDIDATES = {"gpu": ("chunked", "associative", "pallas")}
# Numbers of a scan, T x B x 2N, from which on a CPU's whole step gains enough from the native scan to be
# worth the seconds that building it takes, once on a machine: see docs/speed.md.
NATIVE_PAYS = 2**22
REPEATS = 5
# float32 over a memory of up to 1 / (1 - |lambda|) = 100 steps, relative to the largest number.
TOLERANCE = 1e-3
# What compiling or running a kernel that a device cannot run ends with.
FAILURES = (RuntimeError, NotImplementedError, TypeError, ValueError, LruTuneError)

Numbers = tuple[Array, Array, Array]  # states, gradient of the decay, gradient of the drive
Clock = Callable[[Callable[[], Numbers]], float]


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


def seconds(call: Callable[[], Numbers]) -> float:
    """Return the median seconds of a call, which has been made once before."""
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


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
    key = {
        "device": device or jax.devices()[0].device_kind,
        "jax": jax.__version__,
        "candidates": list(candidates),
        "size": list(size.bucket()),
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    file = folder / f"{digest}.json"
    found = _read(file, key)
    if found is None:
        found = measure(candidates, size, clock)
        write_atomically(file, json.dumps({**key, "seconds": found}, indent=2) + "\n")
        origin = f"measured at {size}"
    else:
        origin = f"from {file}"
    first, *others = sorted(found, key=lambda name: found[name])
    compared = "".join(
        f", {other} {found[other] / found[first]:.1f} times as long" for other in others
    )
    logger.info("scan: %s takes %.3g ms%s (%s)", first, 1e3 * found[first], compared, origin)
    return first


def measure(
    candidates: Mapping[str, ScanBackend], size: Size, clock: Clock = seconds
) -> dict[str, float]:
    """Return the seconds of forward and backward pass together, of those back ends that give the numbers.

    Raises:
      ResourcesMissing: there is none.
    """
    arguments = _problem(size)
    found: dict[str, float] = {}
    expected: Numbers | None = None
    for name, backend in candidates.items():
        try:
            backend.demand()
            call = _compiled(backend, arguments)
            numbers = jax.block_until_ready(call())
            deviation = 0.0 if expected is None else _deviation(numbers, expected)
            if not deviation <= TOLERANCE:
                logger.warning("scan: %s is left out, it deviates by %.1e", name, deviation)
                continue
            found[name] = clock(call)
        except FAILURES as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            logger.warning("scan: %s is left out, it does not run here: %s", name, reason)
            continue
        expected = numbers if expected is None else expected
    if not found:
        raise ResourcesMissing(
            f"runtime.scan auto: none of {', '.join(candidates)} runs on this device; the warnings above say "
            f"why. Choose one by name: {', '.join(SCAN_BACKENDS)}"
        )
    return found


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


def _deviation(numbers: Numbers, expected: Numbers) -> float:
    return max(
        float(jnp.max(jnp.abs(ours - theirs)) / jnp.max(jnp.abs(theirs)))
        for ours, theirs in zip(numbers, expected, strict=True)
    )


def _read(file: Path, key: dict[str, object]) -> dict[str, float] | None:
    """Return what an earlier measurement found; None where there is none, or none that can be read."""
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text())
        if {name: content[name] for name in key} == key and content["seconds"]:
            return {name: float(content["seconds"][name]) for name in content["seconds"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        logger.warning("scan: %s cannot be read; measuring again", file)
    return None
