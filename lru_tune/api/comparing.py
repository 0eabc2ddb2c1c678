"""`lru_tune.compare`."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from lru_tune.api.experiment import Experiment
from lru_tune.files.run_directory import TEST_ACCURACY

if TYPE_CHECKING:
    import pandas as pd


def compare(
    experiments: Iterable[str | Path | Experiment],
    *,
    metric: str = TEST_ACCURACY,
    confidence: float = 0.95,
) -> "pd.DataFrame":
    """Compare confirmed experiments by the seeds of each one's best trial.

    Of each experiment the trial that was best by validation in the search is taken, among those that were
    confirmed: to choose by the test split would favour luck. Differences are to the first experiment, with
    Welch's interval; `tie` says that it contains zero.

    Args:
      experiments: folders, names or `Experiment`s, at least one, all on the same task.
      metric: a column of `confirmations`.
      confidence: of the intervals, in (0, 1).

    Returns:
      One row an experiment: experiment, trial, n (seeds), mean, std, low, high, difference, difference_low,
      difference_high, tie. Intervals of fewer than two seeds are NaN, and their `tie` None.

    Raises:
      ConfigError: an experiment has no confirmation, or the tasks differ.
    """
    # pandas takes most of a second to import.
    from lru_tune.results.judging.comparison import comparison

    opened = [
        given if isinstance(given, Experiment) else Experiment(given) for given in experiments
    ]
    return comparison([x.folder for x in opened], metric=metric, confidence=confidence)
