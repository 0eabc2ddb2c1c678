"""The median stopping rule.

Golovin et al. 2017, Google Vizier: A Service for Black-Box Optimization, section 3.2.2,
https://dl.acm.org/doi/10.1145/3097983.3098043. A trial is stopped at a step if its best value so far is worse
than the median of the other trials' averages up to that step.

>>> rule = MedianStopping(mode="max", grace=10)
>>> [rule.report(trial, step=10, value=0.5) for trial in range(3)]  # too few to compare with
[False, False, False]
>>> rule.report(3, step=10, value=0.4)
True
>>> rule.report(4, step=10, value=0.5)  # as good as the median
False
"""

from collections.abc import Sequence

import numpy as np

from lru_tune.files.run_directory import Mode

MIN_TRIALS = 3  # others that a trial is compared with; with fewer, none is stopped


def falls_behind(scores: Sequence[float], averages: Sequence[float]) -> bool:
    """Return whether the best score is below the median of the others' averages; higher is better."""
    return len(averages) >= MIN_TRIALS and max(scores) < float(np.median(averages))


class MedianStopping:
    """Decides for each report whether its trial is stopped.

    The decisions are those of `ray.tune.schedulers.MedianStoppingRule` that never pauses a trial. As there,
    the last report of a trial that was stopped counts twice in its average.

    Args:
      mode: whether higher (`max`) or lower (`min`) values are better.
      grace: steps before a trial may be stopped; averages begin there as well.
    """

    def __init__(self, *, mode: Mode, grace: int) -> None:
        self._sign = 1.0 if mode == "max" else -1.0
        self._grace = grace
        self._reports: dict[int, list[tuple[int, float]]] = {}  # trial -> (step, score)

    def report(self, trial: int, step: int, value: float) -> bool:
        """Take in a report; return whether to stop the trial."""
        self.end(trial, step, value)
        if step < self._grace:
            return False
        scores = [score for _, score in self._reports[trial]]
        return falls_behind(scores, self._averages_of_others(trial, step))

    def end(self, trial: int, step: int, value: float) -> None:
        """Take in the last report of a trial that has ended, however it ended."""
        self._reports.setdefault(trial, []).append((step, self._sign * value))

    def _averages_of_others(self, trial: int, until: int) -> list[float]:
        """Return the average score, from the grace to a step, of each other trial that got that far."""
        counted = (
            [score for step, score in reports if self._grace <= step <= until]
            for other, reports in self._reports.items()
            if other != trial and reports[-1][0] >= until
        )
        return [float(np.mean(scores)) for scores in counted if scores]
