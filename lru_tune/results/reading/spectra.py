"""The best trial's recurrence before and after training, in a file that needs no JAX and no checkpoint."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from lru_tune.errors import ConfigError
from lru_tune.files.atomic import write_atomically
from lru_tune.results.reading.frame import TRIAL

SPECTRA_FILE = "spectra.csv"

LAYER, STATE = "layer", "state"
BEFORE, AFTER = "before", "after"
GAMMA_BEFORE, GAMMA_AFTER = "gamma_before", "gamma_after"
MOMENTS = (BEFORE, AFTER)  # each has two columns in the file, such as `before_re` and `before_im`


class Spectra(NamedTuple):
    """A diagonal recurrence, one array for each layer.

    Attributes:
      before, after: eigenvalues (N,) complex, at initialisation and at the best report.
      gamma_before, gamma_after: input gains (N,); empty arrays if the variant has none.
    """

    before: Sequence[np.ndarray]
    after: Sequence[np.ndarray]
    gamma_before: Sequence[np.ndarray]
    gamma_after: Sequence[np.ndarray]


def states(experiment: str | Path) -> pd.DataFrame:
    """Return one row for each state of the best trial of an experiment, from its spectra.csv.

    Returns:
      Columns trial (its name), layer and state (from 0), before and after (eigenvalues, complex128),
      gamma_before and gamma_after (NaN in variants without input gains), sorted by layer and state.

    Raises:
      ConfigError: the experiment has no spectra.csv.
    """
    path = Path(experiment) / SPECTRA_FILE
    if not path.is_file():
        raise ConfigError("results.no-spectra", path=path, experiment=experiment)
    frame = pd.read_csv(path, dtype={TRIAL: "str"})
    for moment in MOMENTS:
        frame[moment] = frame[f"{moment}_re"] + 1j * frame[f"{moment}_im"]
    return frame[[TRIAL, LAYER, STATE, *MOMENTS, GAMMA_BEFORE, GAMMA_AFTER]]


def by_layer(frame: pd.DataFrame) -> Spectra:
    """Return the rows of `states` as arrays for the plots of `lru_tune.plots.dynamics`."""
    layers = [layer for _, layer in frame.groupby(LAYER)]
    eigenvalues = ([layer[moment].to_numpy() for layer in layers] for moment in MOMENTS)
    gains = (
        [layer[name].dropna().to_numpy() for layer in layers]
        for name in (GAMMA_BEFORE, GAMMA_AFTER)
    )
    return Spectra(*eigenvalues, *gains)


def write_spectra(experiment: Path, trial: str, spectra: Spectra) -> None:
    """Write spectra.csv, one line for each state.

    Args:
      experiment: its folder.
      trial: the name of the trial.
      spectra: of all its layers.
    """
    parts = [
        pd.DataFrame(
            {
                TRIAL: trial,
                LAYER: layer,
                STATE: np.arange(len(before)),
                "before_re": np.real(before),
                "before_im": np.imag(before),
                "after_re": np.real(after),
                "after_im": np.imag(after),
                GAMMA_BEFORE: gamma_before if len(gamma_before) else np.nan,
                GAMMA_AFTER: gamma_after if len(gamma_after) else np.nan,
            }
        )
        for layer, (before, after, gamma_before, gamma_after) in enumerate(
            zip(*spectra, strict=True)
        )
    ]
    text = pd.concat(parts, ignore_index=True).to_csv(index=False, lineterminator="\n")
    write_atomically(experiment / SPECTRA_FILE, text)
