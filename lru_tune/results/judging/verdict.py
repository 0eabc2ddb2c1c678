"""Compares our runs with a published number: the difference, its interval and a verdict.

All accuracies are in percent, 0 to 100. docs/verdicts.md explains the rules and their error rates.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, cast

from lru_tune.paper.published import Published
from lru_tune.results.judging.equivalence import (
    MOST_SEEDS,
    Reference,
    classify,
    equivalence_p,
    seeds_needed,
    welch,
)
from lru_tune.results.judging.stats import LEARNED, Summary, share_learned, summarise

Outcome = Literal["REPRODUCED", "BELOW", "ABOVE", "INCONCLUSIVE"]

MARGIN_POINTS = 0.5  # smallest margin, in points
MARGIN_ERRORS = 3.0  # margin in published standard errors, if that is larger
ROUNDED_ERROR = 0.05  # points; the largest standard error that is printed as 0.0
USUAL_SEEDS = 3  # the paper's number of seeds


class Verdict(NamedTuple):
    """Our runs of a cell beside its published number, in percent and points.

    Attributes:
      outcome: the verdict.
      ours: mean of our seeds with its interval.
      learned: share of our seeds that are clearly above chance; NaN without seeds.
      difference: our mean minus the published one (minus chance if the paper has "x").
      low, high: Welch's interval of the difference; NaN below two seeds.
      margin: differences up to this count as equal.
      p_equivalence: the larger p-value of the two one-sided tests; NaN below two seeds.
      needs: number of further seeds that give a decision if mean and spread stay the same; 0 unless the
        outcome is INCONCLUSIVE, None if it takes more than MOST_SEEDS.
      notes: assumptions and remarks; often none.
    """

    outcome: Outcome
    ours: Summary
    learned: float
    difference: float
    low: float
    high: float
    margin: float
    p_equivalence: float
    needs: int | None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the outcome, with the number of seeds that it needs if it is INCONCLUSIVE."""
        if self.outcome != "INCONCLUSIVE":
            return self.outcome
        if self.needs is None:
            return f"INCONCLUSIVE (needs more than {MOST_SEEDS} more seeds)"
        return f"INCONCLUSIVE (needs {self.needs} more seed{'s' if self.needs > 1 else ''})"


def default_margin(published: Published, chance: float) -> float:
    """Return the default margin in points: differences up to it count as equal.

    Three published standard errors, but at least half a point. If the paper has "x", a tenth of the way from
    chance (in percent) to 100, which is the level above which a run counts as having learned.
    """
    if published.at_chance:
        return LEARNED * (100.0 - chance)
    return max(MARGIN_POINTS, MARGIN_ERRORS * (published.standard_error or 0.0))


def judge(
    ours: Sequence[float],
    published: Published,
    *,
    chance: float,
    margin: float | None = None,
    confidence: float = 0.95,
) -> Verdict:
    """Return the verdict on a cell.

    Args:
      ours: test accuracy of each seed in percent; NaN for a run that diverged, which counts as chance. Leave
        out runs that failed for another reason.
      published: the published accuracy in percent, or "at chance".
      chance: accuracy of always predicting the most frequent class, in percent.
      margin: difference in points up to which results count as equal; `default_margin` by default.
      confidence: of the intervals; the equivalence test uses the level 1 - confidence.

    Raises:
      ValueError: an argument is out of range, or there is neither a published mean nor "at chance".
    """
    margin = default_margin(published, chance) if margin is None else margin
    _check(ours, chance, margin, confidence)
    reference, notes = _refer(published, chance)
    accuracies = [chance if math.isnan(x) else x for x in ours]
    learned = share_learned([x / 100 for x in accuracies], chance / 100)
    notes += _remarks(ours, learned)

    summary = summarise(accuracies, confidence)
    mean, std, n = summary.mean, summary.std, summary.n
    if n < 2:
        needs, assumed = _needs_unseen(summary, published, reference, margin, confidence)
        unknown = (math.nan, math.nan, margin, math.nan)
        difference = mean - reference.mean
        return Verdict(
            "INCONCLUSIVE", summary, learned, difference, *unknown, needs, (*notes, *assumed)
        )
    outcome = cast(Outcome, str(classify(mean, std, n, reference, margin, confidence)))
    low, high = welch(mean, std, n, reference, confidence)
    return Verdict(
        outcome=outcome,
        ours=summary,
        learned=learned,
        difference=mean - reference.mean,
        low=float(low),
        high=float(high),
        margin=margin,
        p_equivalence=equivalence_p(summary, reference, margin),
        needs=seeds_needed(mean, std, n, reference, margin, confidence)
        if outcome == "INCONCLUSIVE"
        else 0,
        notes=tuple(notes),
    )


def _check(ours: Sequence[float], chance: float, margin: float, confidence: float) -> None:
    outside = [x for x in ours if not (math.isnan(x) or 0 <= x <= 100)]
    if outside or not 0 <= chance < 100:
        raise ValueError(f"accuracies must be in percent, 0 to 100, got {[*outside, chance]}")
    if not margin > 0:
        raise ValueError(f"the margin must be above 0 points, got {margin}")
    if not 0.5 < confidence < 1:
        raise ValueError(f"confidence must be between 0.5 and 1, got {confidence}")


def _refer(published: Published, chance: float) -> tuple[Reference, list[str]]:
    """Return the published side of a comparison, and the assumptions about it."""
    if published.at_chance:
        return Reference(chance, one_sided=True), ['the paper has "x"; compared with chance']
    if published.mean is None:
        raise ValueError("nothing to compare with: no published mean, and not at chance")
    error, n = published.standard_error, published.n
    if error is None:
        return Reference(published.mean), ["published without a standard error; taken as exact"]
    if n is None or n < 2:
        freedom = 1
        notes = ["published without the number of runs; two runs assumed, the most cautious choice"]
    else:
        freedom, notes = n - 1, []
    if error == 0:
        notes.append(f"standard error printed as 0.0; taken as {ROUNDED_ERROR}")
    return Reference(published.mean, error or ROUNDED_ERROR, freedom), notes


def _remarks(ours: Sequence[float], learned: float) -> list[str]:
    notes = []
    if diverged := sum(math.isnan(x) for x in ours):
        notes.append(f"{diverged} of {len(ours)} seeds diverged and count as chance")
    if 0 < learned < 1:
        some = round(learned * len(ours))
        notes.append(f"{some} of {len(ours)} seeds learned; the mean mixes two kinds of runs")
    return notes


def _needs_unseen(
    summary: Summary, published: Published, reference: Reference, margin: float, confidence: float
) -> tuple[int | None, list[str]]:
    """Return the number of seeds needed if ours are too few to have a spread, and the assumptions."""
    if summary.n == 0:
        return USUAL_SEEDS, []
    if not reference.error or published.n is None:
        return USUAL_SEEDS - summary.n, []
    std = reference.error * math.sqrt(published.n)
    needs = seeds_needed(summary.mean, std, summary.n, reference, margin, confidence)
    return needs, ["seeds needed if ours have the spread of the paper's"]
