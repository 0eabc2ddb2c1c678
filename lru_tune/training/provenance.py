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
    device = jax.devices()[0]
    return {
        "device": f"{device.platform}: {device.device_kind}",
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
        },
    }
