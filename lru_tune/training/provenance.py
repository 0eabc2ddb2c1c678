"""What a result depends on beside its configuration: data, versions, device."""

import importlib.metadata
import platform
from typing import Any

import jax

from lru_tune import __version__
from lru_tune.data.store import Manifest

PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy")


def provenance(manifest: Manifest) -> dict[str, Any]:
    """Return the fields that every result.json carries: device, versions, data."""
    return {
        "device": device_name(),
        "versions": {
            "lru-tune": __version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in PACKAGES},
        },
        "data": {
            "task": manifest.task,
            "fingerprint": manifest.fingerprint,
            "chance": manifest.chance,
            "synthetic": manifest.synthetic,
            "protocol": manifest.protocol,
        },
    }


def device_name() -> str:
    """Return platform and kind of the first device."""
    device = jax.devices()[0]
    return f"{device.platform}: {device.device_kind}"
