"""The rule behind a verdict: does our mean equal the published one up to a margin?

The functions work on arrays as well as on single numbers, so that the rule can be simulated. All units are
percentage points of accuracy.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from lru_tune.results.judging.stats import Summary

MOST_SEEDS = 100  # largest number of further seeds to try


class Reference(NamedTuple):
    """The number that our mean is compared with, in points.

    Attributes:
      mean: the published mean, or chance if the paper reports a result at chance.
      error: its standard error; 0 if the number is taken as exact.
      freedom: degrees of freedom of `error`.
      one_sided: whether only a mean above the reference counts as different.
    """

    mean: float
    error: float = 0.0
    freedom: float = math.inf
    one_sided: bool = False


def welch(
    mean: ArrayLike, std: ArrayLike, n: ArrayLike, reference: Reference, confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of Welch's confidence interval of the difference to a reference.

    Args:
      mean: of our seeds; mean, std and n broadcast.
      std: sample standard deviation of our seeds.
      n: number of our seeds, at least 2.
      reference: the published side; if its error is 0, the interval is Student's.
      confidence: of the two-sided interval.
    """
    mean, std, n = (np.asarray(x, dtype=np.float64) for x in (mean, std, n))
    ours, theirs = std**2 / n, reference.error**2
    parts = ours**2 / (n - 1) + theirs**2 / reference.freedom
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(parts > 0, (ours + theirs) ** 2 / parts, n - 1)
    half = stats.t.ppf(0.5 + confidence / 2, freedom) * np.sqrt(ours + theirs)
    return mean - reference.mean - half, mean - reference.mean + half


def classify(
    mean: ArrayLike,
    std: ArrayLike,
    n: ArrayLike,
    reference: Reference,
    margin: float,
    confidence: float,
) -> NDArray[np.str_]:
    """Return the outcome for each triple of mean, standard deviation and number of seeds (at least 2).

    With alpha = 1 - confidence:

    * REPRODUCED: both one-sided t-tests at level alpha show that our mean is less than `margin` away from the
      reference (Schuirmann 1987). The published error is part of the margin, not of these tests.
    * BELOW (ABOVE): the whole interval of our mean is more than `margin` below (above) the reference, and
      Welch's interval of the difference, with the published error, is below (above) zero.
    * INCONCLUSIVE otherwise. The other three claims exclude each other, so more seeds cannot lead from one
      correct outcome to another.
    """
    mean, std, n = (np.asarray(x, dtype=np.float64) for x in (mean, std, n))
    difference, error = mean - reference.mean, std / np.sqrt(n)
    one_sided = stats.t.ppf(confidence, n - 1) * error
    two_sided = stats.t.ppf(0.5 + confidence / 2, n - 1) * error
    low, high = welch(mean, std, n, reference, confidence)

    not_above = difference + one_sided < margin
    not_below = (difference - one_sided > -margin) | reference.one_sided
    below = (difference + two_sided < -margin) & (high < 0) & (not reference.one_sided)
    above = (difference - two_sided > margin) & (low > 0)
    return np.select(
        [not_above & not_below, below, above],
        ["REPRODUCED", "BELOW", "ABOVE"],
        default="INCONCLUSIVE",
    )


def equivalence_p(summary: Summary, reference: Reference, margin: float) -> float:
    """Return the p-value of the equivalence test: the larger one of the two one-sided t-tests."""
    error = summary.std / math.sqrt(summary.n)
    difference = summary.mean - reference.mean
    sides = [difference - margin]
    if not reference.one_sided:
        sides.append(-difference - margin)
    if error == 0:
        return 0.0 if max(sides) < 0 else 1.0
    return max(float(stats.t.cdf(side / error, summary.n - 1)) for side in sides)


def seeds_needed(
    mean: float, std: float, n: int, reference: Reference, margin: float, confidence: float
) -> int | None:
    """Return how many further seeds give a decision if mean and standard deviation stay the same.

    None if it takes more than MOST_SEEDS: our mean is about `margin` away from the reference, or further but
    within the published error.
    """
    further = np.arange(max(1, 2 - n), MOST_SEEDS + 1)
    outcomes = classify(mean, std, n + further, reference, margin, confidence)
    (decided,) = np.nonzero(outcomes != "INCONCLUSIVE")
    return int(further[decided[0]]) if len(decided) else None
