"""The runs of confirmations, each with the trial whose configuration it repeats."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from lru_tune.errors import ConfigError
from lru_tune.files.experiment_folder import CONFIRM_FOLDER, EXPERIMENT_FILE
from lru_tune.results.reading.frame import (
    CONFIG_PREFIX,
    RUN_COLUMNS,
    SEED,
    TRIAL,
    Paths,
    as_paths,
    config_columns,
    folders,
    load_runs,
)

RUN = "run"


def confirmations(paths: Paths) -> pd.DataFrame:
    """Return one row for each confirmation run of the given experiments, or of folders of experiments.

    Returns:
      The columns of `load_runs`, with the run's name in `run` and the trial's name in `trial` (NA if no trial
      has that configuration); no rows without confirmations.

    Raises:
      ConfigError: a folder does not exist or holds no experiment.
    """
    parts = [
        confirmed_by_trial(load_runs(folder / CONFIRM_FOLDER), load_runs(folder))
        for path in as_paths(paths)
        for folder in find_experiments(path)
        if (folder / CONFIRM_FOLDER).is_dir()
    ]
    parts = [part for part in parts if not part.empty]
    if parts:
        return pd.concat(parts, ignore_index=True)
    columns = {RUN: "str"} | RUN_COLUMNS
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in columns.items()})


def find_experiments(path: Path) -> list[Path]:
    """Return the folder itself if it is an experiment, otherwise the experiments in it, sorted.

    Raises:
      ConfigError: the folder does not exist or holds no experiment.
    """
    if not path.is_dir():
        raise ConfigError("results.no-folder", path=path, expected="an experiment")
    found = list(_experiments_of(path))
    if not found:
        raise ConfigError("results.no-experiments", path=path, experiment_file=EXPERIMENT_FILE)
    return found


def confirmed_by_trial(confirmed: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Return confirmation runs with the trial that has the same configuration, except for the seed.

    Returns:
      The rows of `confirmed`, with the run's name in `run` and the trial's name in `trial` (NA if no trial
      has that configuration).
    """
    seed = CONFIG_PREFIX + SEED
    columns = sorted({*config_columns(confirmed), *config_columns(trials)} - {seed})
    origin: dict[str, str] = {}
    for key, name in zip(_keys(trials, columns), trials[TRIAL], strict=True):
        origin.setdefault(key, name)
    names = pd.Series([origin.get(key) for key in _keys(confirmed, columns)], dtype="str")
    named = confirmed.assign(**{RUN: confirmed[TRIAL], TRIAL: names})
    return named[[RUN, *(name for name in named.columns if name != RUN)]]


def _experiments_of(path: Path) -> Iterator[Path]:
    for folder in (path, *folders(path)):
        if (folder / EXPERIMENT_FILE).is_file():
            yield folder


def _keys(frame: pd.DataFrame, columns: list[str]) -> list[str]:
    """Return a key for each row; rows with equal values in these columns have equal keys."""
    rows = frame.reindex(columns=columns).itertuples(index=False, name=None)
    return ["|".join(_text(x) for x in row) for row in rows]


def _text(value: Any) -> str:
    """Return a value as text, independent of the column's dtype: 1 and 1.0 are equal."""
    if pd.isna(value):
        return ""
    return value if isinstance(value, str) else f"{float(value):.12g}"
