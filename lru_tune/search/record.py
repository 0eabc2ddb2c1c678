"""Writing experiment.json: what an experiment is, and what is needed to resume it."""

import json
import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from lru_tune.files.atomic import write_atomically
from lru_tune.files.experiment_folder import EXPERIMENT_FILE, read_experiment
from lru_tune.system.provenance import versions

FORMAT_VERSION = 1
PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "optuna", "ray")


def write_record(folder: Path, **fields: Any) -> None:
    """Write a new experiment.json: format version, time, versions and the given fields.

    Fields in use: status (running, interrupted, completed), command, task, variant, scale, synthetic,
    metric, mode, seeds, data (fingerprint, chance, counts, protocol), data_root, confirm, seconds, device,
    process (pid, host) that runs it, flags (repeated by the command that resumes it), plan (trials, steps,
    horizon, confirm_runs, at_once: runs at a time, places: number of processes or lane servers that train,
    share: GPUs, or else CPU cores, of each).
    """
    common = {
        "format_version": FORMAT_VERSION,
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": versions(PACKAGES),
    }
    _write(folder, common | fields)


def update_record(folder: Path, **fields: Any) -> None:
    """Merge fields into experiment.json."""
    _write(folder, read_experiment(folder) | fields)


def resume_command(folder: Path, flags: Sequence[str] = ()) -> str:
    """Return the command line that resumes an experiment.

    Args:
      folder: of the experiment.
      flags: as on the command line.
    """
    return shlex.join(["lru-tune", "tune", "--resume", str(folder), *flags])


def newest_experiment(root: Path) -> Path | None:
    """Return the newest experiment under a runs root, None if there is none."""
    experiments = [path.parent for path in root.glob(f"*/{EXPERIMENT_FILE}")]
    if not experiments:
        return None
    return max(experiments, key=lambda folder: read_experiment(folder)["created"]).resolve()


def _write(folder: Path, content: dict[str, Any]) -> None:
    write_atomically(folder / EXPERIMENT_FILE, json.dumps(content, indent=2) + "\n")
