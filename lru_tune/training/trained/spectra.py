"""Eigenvalues and input gains of a run, before and after its training, read from its checkpoint."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from lru_tune.config.config_files import load_run_config
from lru_tune.config.schema import DiagonalRecurrence
from lru_tune.errors import ConfigError
from lru_tune.files.run_directory import CHECKPOINT_FOLDER, CONFIG_FILE
from lru_tune.models.build import build_model
from lru_tune.models.eigenvalues import EIGENVALUES
from lru_tune.tasks import find_task
from lru_tune.training.checkpoint import BEST, read_checkpoint
from lru_tune.training.hyperparameters import hyperparameters

RECURRENCE = "recurrence"


class LayerSpectrum(NamedTuple):
    """The diagonal recurrence of one layer.

    Attributes:
      before, after: eigenvalues (N,) complex at initialisation and at the best report.
      gamma_before, gamma_after: input gains (N,); empty where the variant has none.
    """

    before: np.ndarray
    after: np.ndarray
    gamma_before: np.ndarray
    gamma_after: np.ndarray


def read_spectra(run_dir: Path) -> list[LayerSpectrum]:
    """Return the spectrum of every layer, from the input to the output.

    The parameters before training are drawn again from the run's seed; those after it are the best by
    validation.

    Args:
      run_dir: a run directory with checkpoints/best.msgpack.

    Raises:
      ConfigError: the run's recurrence is dense and has no such parameters.
      CheckpointDamaged: the checkpoint cannot be read.
      FileNotFoundError: the run has no configuration or no checkpoint.
    """
    config = load_run_config(run_dir / CONFIG_FILE)
    recurrence = config.model.recurrence
    if not isinstance(recurrence, DiagonalRecurrence):
        raise ConfigError("training.dense-spectrum", run=run_dir)
    after = read_checkpoint(run_dir / CHECKPOINT_FOLDER / BEST)["params"]
    model, hyper = build_model(config.model, find_task(config.task)), hyperparameters(config)

    # XLA drops the forward pass of the initialisation, as only the parameters are returned.
    @jax.jit
    def draw() -> Any:
        return model.init(jax.random.key(hyper.seed), hyper.model)["params"]

    before = jax.device_get(draw())
    spectra = (layer_spectra(params, recurrence.eigenvalues) for params in (before, after))
    return [
        LayerSpectrum(old, new, gamma_old, gamma_new)
        for (old, gamma_old), (new, gamma_new) in zip(*spectra, strict=True)
    ]


def layer_spectra(params: Any, kind: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the eigenvalues (N,) complex and input gains (N,) of each layer, from the input to the output.

    Args:
      params: of a network with diagonal recurrences.
      kind: their parametrisation, a key of EIGENVALUES.
    """
    blocks = sorted(
        (name for name in params if name.startswith("block_")), key=lambda n: int(n[6:])
    )
    return [_layer(params[name][RECURRENCE], kind) for name in blocks]


def _layer(params: Any, kind: str) -> tuple[np.ndarray, np.ndarray]:
    coordinates = EIGENVALUES[kind]
    real, imaginary = coordinates.value(*(params[name] for name in coordinates.names))
    gain = np.exp(np.asarray(params["gamma_log"])) if "gamma_log" in params else np.empty(0)
    return np.asarray(real) + 1j * np.asarray(imaginary), gain
