"""Which back end of the scan `auto` stands for: a rule on a CPU, a measurement on a GPU.

A named back end is taken or refused, never replaced. On a GPU `auto` measures the candidates, forward and
backward, once for each device, jax version and size of scan, and keeps the result in a file. Processes that
measure at the same time write whole files and do no harm.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import jax

from lru_tune.files.atomic import write_atomically
from lru_tune.files.paths import compilation_cache
from lru_tune.ops.autotune.measure import Clock, Size, measure, seconds
from lru_tune.ops.native.calls import native_obstacle
from lru_tune.ops.scan.linear_scan import SCAN_BACKENDS, ScanBackend, resolve_backend

logger = logging.getLogger(__name__)

# The platforms on which candidates are measured; the first is what the others must agree with.
CANDIDATES = {"gpu": ("chunked", "associative", "pallas")}
# From this size on, in numbers (T x B x 2N), a whole step on a CPU gains enough from the native scan to be
# worth the seconds that building it takes, once on a machine: see docs/speed.md.
NATIVE_PAYS = 2**22


def resolve_scan(name: str, size: Size) -> str:
    """Return the back end that a name, or `auto`, stands for on this process's default device.

    Args:
      name: a key of SCAN_BACKENDS, or `auto`.
      size: of the scans to come.

    Raises:
      ConfigError, ResourcesMissing: the back end of that name does not run here.
      ResourcesMissing: none of the candidates of `auto` does.
    """
    platform = jax.default_backend()
    if name == "auto" and platform == "cpu":
        chosen = resolve_scan_on_cpu(size)
    elif name == "auto" and platform in CANDIDATES:
        candidates = {name: SCAN_BACKENDS[name] for name in CANDIDATES[platform]}
        chosen = fastest(candidates, size, compilation_cache() / "scan")
    else:
        chosen = resolve_backend(name)
    if chosen == "pallas":
        logger.warning("scan: pallas is experimental, it has not run on a GPU yet")
    return chosen


def resolve_scan_on_cpu(size: Size, obstacle: Callable[[], str | None] = native_obstacle) -> str:
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


def _read(file: Path, key: dict[str, object]) -> dict[str, float] | None:
    """Return the seconds of an earlier measurement, None if there is none that can be read."""
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text())
        if {name: content[name] for name in key} == key and content["seconds"]:
            return {name: float(content["seconds"][name]) for name in content["seconds"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        logger.warning("scan: %s cannot be read; measuring again", file)
    return None
