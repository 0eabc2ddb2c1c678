"""A trained network as a function, for use in Python."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jax import Array

from lru_tune.config.config_files import load_run_config
from lru_tune.config.schema import RunConfig
from lru_tune.errors import ConfigError
from lru_tune.files.run_directory import CHECKPOINT_FOLDER, CONFIG_FILE
from lru_tune.models.build import build_model
from lru_tune.tasks import find_task
from lru_tune.training.checkpoint import BEST, read_checkpoint


class Trained(NamedTuple):
    """A network with its best parameters.

    Attributes:
      config: of its run.
      predict: inputs (B, T), (B, 2, T) or (B, T, F) as stored on disk, and lengths (B,) or (B, 2) -> logits
        (B, C), or (B, S, O, C) for the scored steps of per-step tasks, as targets are stored. Compiled once
        for each shape.
    """

    config: RunConfig
    predict: Callable[[np.ndarray | Array, np.ndarray | Array], Array]


def load_trained(folder: str | Path) -> Trained:
    """Return the network of a run directory, or of what `lru-tune export --with-checkpoint` wrote.

    Args:
      folder: with config.yaml, and best.msgpack beside it or in its `checkpoints/`.

    Raises:
      ConfigError: one of them is missing, or the configuration is wrong.
      CheckpointDamaged: the parameters cannot be read.
    """
    folder = Path(folder)
    config = load_run_config(folder / CONFIG_FILE)
    places = [folder / CHECKPOINT_FOLDER / BEST, folder / BEST]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise ConfigError(
            f"{folder} holds no parameters: neither {places[0].relative_to(folder)} nor {BEST} is there. "
            f"A run writes them at its first report, `lru-tune export` with --with-checkpoint"
        )
    content = read_checkpoint(found)
    variables = {name: content[name] for name in ("params", "batch_stats")}
    task = find_task(config.task)
    model = build_model(config.model, task)

    @jax.jit
    def predict(inputs: Array, lengths: Array) -> Array:
        logits = model.predict(variables, inputs, lengths)
        return logits.swapaxes(0, 1) if task.head == "per_step" else logits

    return Trained(config, predict)
