"""Writing experiment.json: what an experiment says about itself, and what it needs to be resumed."""

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
    """Write experiment.json anew: format version, time, versions and the given fields.

    Fields in use: status (running, interrupted, completed), command, task, variant, scale, synthetic,
    metric, mode, seeds, data (fingerprint, chance, counts, protocol), data_root, confirm, seconds, device,
    process (pid, host) that runs it, flags (that say how it is run, to be repeated by a command that goes
    on), plan (trials, steps, horizon, confirm_runs, at_once: runs at a time, places: of these, or of
    servers of lanes, share: devices or cores of each).
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
    """Return the command line that goes on with an experiment.

    Args:
      folder: the experiment's.
      flags: that say how it is run, as on the command line.
    """
    return shlex.join(["lru-tune", "tune", "--resume", str(folder), *flags])


def newest_experiment(root: Path) -> Path | None:
    """Return the folder of the experiment under a runs root that was created last, None without any."""
    experiments = [path.parent for path in root.glob(f"*/{EXPERIMENT_FILE}")]
    if not experiments:
        return None
    return max(experiments, key=lambda folder: read_experiment(folder)["created"]).resolve()


def _write(folder: Path, content: dict[str, Any]) -> None:
    write_atomically(folder / EXPERIMENT_FILE, json.dumps(content, indent=2) + "\n")
