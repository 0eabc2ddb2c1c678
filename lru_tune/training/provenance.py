"""What a result depends on beside its configuration: data, versions, device."""

import os
import platform
from pathlib import Path
from typing import Any

import jax

from lru_tune.config.schema import RuntimeConfig
from lru_tune.data.store import Manifest
from lru_tune.system.versions import versions

CPU_INFO = Path("/proc/cpuinfo")
PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy")


def provenance(manifest: Manifest, runtime: RuntimeConfig) -> dict[str, Any]:
    """Return the fields that every result.json carries: device, back ends, threads, versions, data.

    Args:
      manifest: of the data.
      runtime: as settled, without `auto`.
    """
    return {
        "device": device_name(),
        "block": runtime.block,
        "scan": runtime.scan,
        "threads": int(os.environ.get("NPROC", os.cpu_count() or 1)),  # sums depend on it, on a CPU
        "versions": versions(PACKAGES),
        "data": {
            "task": manifest.task,
            "fingerprint": manifest.fingerprint,
            "chance": manifest.chance,
            "synthetic": manifest.synthetic,
            "protocol": manifest.protocol,
        },
    }


def device_name() -> str:
    """Return platform and kind of the first device, of a CPU its model."""
    device = jax.devices()[0]
    kind = device.device_kind
    if device.platform == "cpu":  # JAX calls every one of them "cpu"
        kind = _cpu_model() or platform.machine() or kind
    return f"{device.platform}: {kind}"


def _cpu_model() -> str:
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "")
