"""Statistics over seeds."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

LEARNED = (
    0.1  # fraction of the way from chance to 1 that a seed must reach to count as having learned
)


class Summary(NamedTuple):
    """A mean with its confidence interval.

    Attributes:
      mean: of the values; NaN without values.
      std: sample standard deviation (ddof 1); NaN below two values.
      n: number of values.
      low, high: two-sided confidence interval of the mean by Student's t; NaN below two values.
    """

    mean: float
    std: float
    n: int
    low: float
    high: float


def summarise(values: Sequence[float], confidence: float = 0.95) -> Summary:
    """Return mean, standard deviation, count and t interval of the finite values."""
    finite = np.asarray([x for x in values if math.isfinite(x)], dtype=np.float64)
    n = len(finite)
    if n == 0:
        return Summary(math.nan, math.nan, 0, math.nan, math.nan)
    mean = float(finite.mean())
    if n == 1:
        return Summary(mean, math.nan, 1, math.nan, math.nan)
    std = float(finite.std(ddof=1))
    half_width = float(stats.t.ppf(0.5 + confidence / 2, n - 1)) * std / math.sqrt(n)
    return Summary(mean, std, n, mean - half_width, mean + half_width)


def share_learned(accuracies: Sequence[float], chance: float) -> float:
    """Return the share of seeds that are clearly above chance; NaN without seeds.

    A seed has learned if it reached at least a tenth of the way from chance to 1. A seed without an accuracy
    (NaN: it diverged or failed) has not.
    """
    if not accuracies:
        return math.nan
    threshold = chance + LEARNED * (1.0 - chance)
    return sum(x >= threshold for x in accuracies) / len(accuracies)


def winners_curse(search_score: float, confirmed: Sequence[float]) -> float:
    """Return the search's validation score minus the mean of its confirmation over seeds.

    The best of many noisy scores is too high on average: a large positive gap means that the trial was
    chosen for its luck. NaN without confirmed values.
    """
    return search_score - summarise(confirmed).mean
