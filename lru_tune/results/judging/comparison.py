"""Confirmed experiments side by side: means over seeds, and how much they differ."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lru_tune.errors import ConfigError
from lru_tune.files.run_directory import TEST_ACCURACY
from lru_tune.results.judging.best import best_run
from lru_tune.results.judging.equivalence import Reference, welch
from lru_tune.results.judging.stats import summarise
from lru_tune.results.reading.confirmations import confirmations
from lru_tune.results.reading.frame import EXPERIMENT, TRIAL, load_runs
from lru_tune.results.reading.record import read_record


def comparison(
    folders: Sequence[Path], *, metric: str = TEST_ACCURACY, confidence: float = 0.95
) -> pd.DataFrame:
    """Return one row an experiment, see `lru_tune.compare`.

    Raises:
      ConfigError: an experiment has no confirmation, or the tasks differ.
    """
    records = {folder: read_record(folder) for folder in folders}
    if len({record.task for record in records.values()}) > 1:
        listed = ", ".join(f"{folder.name} ({record.task})" for folder, record in records.items())
        raise ConfigError("api.different-tasks", experiments=listed)
    rows: list[dict[str, Any]] = []
    first = None
    for folder, record in records.items():
        seeds, trials = confirmations(folder), load_runs(folder)
        confirmed = trials[trials[TRIAL].isin(seeds[TRIAL].dropna())]
        if confirmed.empty:
            raise ConfigError("api.not-confirmed", experiment=folder)
        trial = best_run(confirmed, record.metric, record.mode)[TRIAL]
        values = seeds.loc[seeds[TRIAL] == trial, metric].astype("float64").tolist()
        found = summarise(values, confidence)
        low = high = math.nan
        if first is not None and min(found.n, first.n) > 1:
            reference = Reference(first.mean, first.std / math.sqrt(first.n), first.n - 1)
            ends = welch(found.mean, found.std, found.n, reference, confidence)
            low, high = map(float, ends)
        first = first or found
        rows.append(
            {
                EXPERIMENT: folder.name,
                TRIAL: trial,
                "n": found.n,
                "mean": found.mean,
                "std": found.std,
                "low": found.low,
                "high": found.high,
                "difference": found.mean - first.mean,
                "difference_low": low,
                "difference_high": high,
                "tie": None if math.isnan(low) else low <= 0 <= high,
            }
        )
    return pd.DataFrame(rows)
