"""Statistics over seeds."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

LEARNED = 0.1  # of the way from chance to a perfect accuracy; a seed that got further has learned


class Summary(NamedTuple):
    """A mean and how sure it is.

    Attributes:
      mean: of the values; NaN if there are none.
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
    """Return the share of seeds clearly above chance; NaN without any seed.

    A seed has learned when it covered a tenth of the way from chance to 1; a seed without an accuracy
    (NaN: it diverged or failed) has not.
    """
    if not accuracies:
        return math.nan
    threshold = chance + LEARNED * (1.0 - chance)
    return sum(x >= threshold for x in accuracies) / len(accuracies)


def winners_curse(search_score: float, confirmed: Sequence[float]) -> float:
    """Return the search's best validation score minus the mean of its confirmation over seeds.

    The best of many noisy scores is too good on average; a large positive gap says that the search has
    chosen luck. NaN without confirmed values.
    """
    return search_score - summarise(confirmed).mean
