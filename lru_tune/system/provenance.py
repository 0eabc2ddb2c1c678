"""What a result depends on beside its configuration and its data: versions, device, threads."""

import importlib.metadata
import os
import platform
from collections.abc import Iterable
from pathlib import Path

from lru_tune import __version__

CPU_INFO = Path("/proc/cpuinfo")


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of lru-tune, of Python and of installed packages, by name."""
    return {
        "lru-tune": __version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def device_name() -> str:
    """Return platform and kind of JAX's first device, such as `gpu: NVIDIA H100` or `cpu: AMD EPYC 7B13`."""
    import jax  # late: a search reads versions, and must not load JAX

    device = jax.devices()[0]
    kind = device.device_kind
    if device.platform == "cpu":  # JAX calls the kind of every CPU "cpu"
        kind = _cpu_model() or platform.machine() or kind
    return f"{device.platform}: {kind}"


def cpu_threads() -> int:
    """Return how many threads XLA computes with on a CPU; the rounding of sums depends on it."""
    return int(os.environ.get("NPROC", os.cpu_count() or 1))


def _cpu_model() -> str:
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.is_file() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "")
