"""The best parameters of a run, as files for other programs."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lru_tune.errors import ConfigError
from lru_tune.files.run_directory import CHECKPOINT_FOLDER
from lru_tune.training.checkpoint import BEST, read_checkpoint

NPZ_FILE = "params.npz"


def parameter_files(run_dir: Path) -> dict[str, bytes]:
    """Return the best checkpoint and the same arrays in NumPy's format: file name -> content.

    Raises:
      ConfigError: the run has none, as it has not reported yet.
      CheckpointDamaged: it cannot be read.
    """
    path = run_dir / CHECKPOINT_FOLDER / BEST
    if not path.is_file():
        raise ConfigError("training.no-parameters", run=run_dir.name, path=path)
    arrays = flat_arrays(read_checkpoint(path))
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return {BEST: path.read_bytes(), NPZ_FILE: buffer.getvalue()}


def flat_arrays(tree: Mapping[str, Any], prefix: str = "") -> dict[str, np.ndarray]:
    """Return the arrays of a nested mapping by their path, `params/block_0/recurrence/nu_log`."""
    flat: dict[str, np.ndarray] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flat_arrays(value, f"{prefix}{name}/")
        else:
            flat[prefix + name] = np.asarray(value)
    return flat
