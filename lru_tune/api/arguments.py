"""Arguments that several calls share: places, overrides, trackers."""

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from lru_tune.errors import ConfigError
from lru_tune.files.paths import named_folder, runs_root
from lru_tune.search.record import newest_experiment

LAST = "last"
WandbMode = Literal["off", "offline", "online"]


def find_experiment(place: str | Path, root: str | Path | None = None) -> Path:
    """Return the folder of an experiment.

    Args:
      place: a folder, the name of an experiment under the runs root, or `last` for the newest one.
      root: the runs root; None for `$LRU_TUNE_RUNS` or `./runs`.

    Raises:
      ConfigError: `last` is asked for and there is no experiment. Other places are not examined.
    """
    runs = runs_root(root)
    if place != LAST:
        return named_folder(place, runs)
    newest = newest_experiment(runs)
    if newest is None:
        raise ConfigError("api.no-experiments", root=runs)
    return newest


def override_texts(values: Mapping[str, Any] | None) -> list[str]:
    """Return dotted fields with their values as `--set` takes them, `optim.learning_rate=0.001`."""
    return [f"{key}={json.dumps(value)}" for key, value in (values or {}).items()]


def check_wandb(mode: WandbMode) -> None:
    """Raise ConfigError if W&B is asked for and not installed."""
    if mode != "off" and importlib.util.find_spec("wandb") is None:
        raise ConfigError("api.wandb-not-installed", mode=mode)
