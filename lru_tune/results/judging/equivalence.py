"""The rule behind a verdict: is a mean the same as a published one, up to a margin?

Everything works on arrays as well as on single numbers, so that the rule itself can be simulated. Units are
points of accuracy throughout.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from lru_tune.results.judging.stats import Summary

MOST_SEEDS = 100  # further seeds looked ahead


class Reference(NamedTuple):
    """What our mean is compared with, in points.

    Attributes:
      mean: published, or chance for a number at chance.
      error: standard error of it; 0 where it is taken as exact.
      freedom: degrees of freedom behind `error`.
      one_sided: only a mean above the reference differs from it.
    """

    mean: float
    error: float = 0.0
    freedom: float = math.inf
    one_sided: bool = False


def welch(
    mean: ArrayLike, std: ArrayLike, n: ArrayLike, reference: Reference, confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the interval of the difference to a reference: unequal variances, Welch-Satterthwaite freedom.

    Args:
      mean: of our seeds; mean, std and n broadcast.
      std: sample standard deviation of our seeds.
      n: number of our seeds, at least 2.
      reference: the published side; without an error this is Student's interval of our mean.
      confidence: of the two-sided interval.
    """
    mean, std, n = (np.asarray(x, dtype=np.float64) for x in (mean, std, n))
    ours, theirs = std**2 / n, reference.error**2
    parts = ours**2 / (n - 1) + theirs**2 / reference.freedom
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(parts > 0, (ours + theirs) ** 2 / parts, n - 1)
    half = stats.t.ppf(0.5 + confidence / 2, freedom) * np.sqrt(ours + theirs)
    return mean - reference.mean - half, mean - reference.mean + half


def decide(
    mean: ArrayLike,
    std: ArrayLike,
    n: ArrayLike,
    reference: Reference,
    margin: float,
    confidence: float,
) -> NDArray[np.str_]:
    """Return the outcome for each triple of mean, standard deviation and number of seeds (at least 2).

    With alpha = 1 - confidence:

    * REPRODUCED: both one-sided t-tests at level alpha say that our mean is less than `margin` away from the
      reference (Schuirmann 1987). The published error is part of the margin, not of these tests.
    * BELOW (ABOVE): the interval of our mean lies wholly more than `margin` below (above) the reference, and
      Welch's interval of the difference, with the published error, lies wholly below (above) zero.
    * INCONCLUSIVE otherwise. The three words claim different things of the same mean, so that no further seed
      leads from one justified word to another.
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
    """Return the p-value of being less than `margin` away: the larger one of the two one-sided t-tests."""
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
    """Return how many further seeds end in a decision, if mean and standard deviation stay as they are.

    None where it would take more than MOST_SEEDS: our mean lies about `margin` away from the reference, or
    further, but within the published error.
    """
    further = np.arange(max(1, 2 - n), MOST_SEEDS + 1)
    outcomes = decide(mean, std, n + further, reference, margin, confidence)
    (decided,) = np.nonzero(outcomes != "INCONCLUSIVE")
    return int(further[decided[0]]) if len(decided) else None
