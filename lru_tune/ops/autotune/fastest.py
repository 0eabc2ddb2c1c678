"""The fastest of several ways to compute the same numbers on this device, measured once and remembered.

Each is called at the size that matters, forward and backward; what was found is kept in a file, so that
processes that measure at the same time do no harm.
"""

import hashlib
import json
import logging
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from lru_tune.errors import LruTuneError, ResourcesMissing
from lru_tune.files.atomic import write_atomically

logger = logging.getLogger(__name__)

REPEATS = 5
# What compiling or running a kernel that a device cannot run ends with.
FAILURES = (RuntimeError, NotImplementedError, TypeError, ValueError, LruTuneError)

Numbers = tuple[Array, ...]
Call = Callable[[], Numbers]
Clock = Callable[[Call], float]


class Contender(NamedTuple):
    """One way to compute the numbers.

    Attributes:
      demand: raises the LruTuneError that says why it cannot run in this process, if so.
      prepare: returns the call that is measured.
    """

    demand: Callable[[], None]
    prepare: Callable[[], Call]


def seconds(call: Call) -> float:
    """Return the median seconds of a call, which has been made once before."""
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def fastest_of(
    field: str,
    contenders: Mapping[str, Contender],
    problem: Mapping[str, Any],
    at: str,
    folder: Path,
    tolerance: float,
    *,
    device: str | None = None,
    clock: Clock = seconds,
) -> str:
    """Return the fastest, from an earlier measurement where there is one.

    Those that fail or deviate from the first one are left out with a warning.

    Args:
      field: of `runtime` that is chosen, for messages.
      contenders: by name.
      problem: what a measurement holds for, beside the device, the version of jax and the contenders.
      at: what they are measured at, in words.
      folder: of earlier measurements.
      tolerance: of deviations, relative to the largest number.
      device: kind of device that measurements hold for; left out, this process's default.
      clock: returns the seconds of a call.

    Raises:
      ResourcesMissing: none of them runs.
    """
    key = {
        "device": device or jax.devices()[0].device_kind,
        "jax": jax.__version__,
        "candidates": list(contenders),
        **problem,
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    file = folder / f"{digest}.json"
    found = _read(field, file, key)
    if found is None:
        found = measured(field, contenders, tolerance, clock)
        write_atomically(file, json.dumps({**key, "seconds": found}, indent=2) + "\n")
        origin = f"measured at {at}"
    else:
        origin = f"from {file}"
    first, *others = sorted(found, key=lambda name: found[name])
    compared = "".join(
        f", {other} {found[other] / found[first]:.1f} times as long" for other in others
    )
    logger.info("%s: %s takes %.3g ms%s (%s)", field, first, 1e3 * found[first], compared, origin)
    return first


def measured(
    field: str, contenders: Mapping[str, Contender], tolerance: float, clock: Clock = seconds
) -> dict[str, float]:
    """Return the seconds of those that give the numbers of the first that runs.

    Raises:
      ResourcesMissing: there is none.
    """
    found: dict[str, float] = {}
    expected: Numbers | None = None
    for name, contender in contenders.items():
        try:
            contender.demand()
            call = contender.prepare()
            numbers = jax.block_until_ready(call())
            deviation = 0.0 if expected is None else _deviation(numbers, expected)
            if not deviation <= tolerance:
                logger.warning("%s: %s is left out, it deviates by %.1e", field, name, deviation)
                continue
            found[name] = clock(call)
        except FAILURES as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            logger.warning("%s: %s is left out, it does not run here: %s", field, name, reason)
            continue
        expected = numbers if expected is None else expected
    if not found:
        raise ResourcesMissing(
            f"runtime.{field}: none of {', '.join(contenders)} runs on this device; the warnings above say "
            "why. Choose another by name"
        )
    return found


def _deviation(numbers: Numbers, expected: Numbers) -> float:
    return max(
        float(jnp.max(jnp.abs(ours - theirs)) / jnp.max(jnp.abs(theirs)))
        for ours, theirs in zip(numbers, expected, strict=True)
    )


def _read(field: str, file: Path, key: dict[str, object]) -> dict[str, float] | None:
    """Return what an earlier measurement found; None where there is none, or none that can be read."""
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text())
        if {name: content[name] for name in key} == key and content["seconds"]:
            return {name: float(content["seconds"][name]) for name in content["seconds"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        logger.warning("%s: %s cannot be read; measuring again", field, file)
    return None
