"""Asynchronous successive halving (ASHA), in its stopping variant.

Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning, https://arxiv.org/abs/1810.05934.
Trials are compared at rungs, each `reduction_factor` times as far from the start as the rung before. A trial
that reaches a rung continues if it is among the best `1 / reduction_factor` of the trials that reached the
rung before it; no trial waits for another.

>>> asha = Asha(mode="max", grace=10, reduction_factor=2, horizon=40)
>>> asha.rungs
(10, 20, 40)
>>> asha.report(0, step=10, value=0.5)  # the first at its rung has nothing to be compared with
False
>>> asha.report(1, step=10, value=0.4)  # below the median of the trials before
True
>>> asha.report(2, step=10, value=0.7)
False
"""

from collections.abc import Collection

import numpy as np

from lru_tune.files.run_directory import Mode
from lru_tune.results.reading.rungs import rung_steps


def falls_behind(score: float, others: Collection[float], reduction_factor: int) -> bool:
    """Return whether a score is below the best `1 / reduction_factor` of the others; higher is better."""
    if not others:
        return False
    return score < float(np.percentile(list(others), (1 - 1 / reduction_factor) * 100))


class Asha:
    """Decides for each report whether its trial is stopped.

    The decisions are those of `ray.tune.schedulers.AsyncHyperBandScheduler` with one bracket.

    Args:
      mode: whether higher (`max`) or lower (`min`) values are better.
      grace: the first rung, in steps, at least 1.
      reduction_factor: one trial in this many continues at a rung; at least 2.
      horizon: steps of the longest trial; a trial that reports at this step has finished.
    """

    def __init__(self, *, mode: Mode, grace: int, reduction_factor: int, horizon: int) -> None:
        self.rungs = tuple(rung_steps(grace, reduction_factor, horizon + 1))
        self._scores: dict[int, dict[int, float]] = {step: {} for step in self.rungs}
        self._sign = 1.0 if mode == "max" else -1.0
        self._reduction_factor = reduction_factor
        self._horizon = horizon

    def report(self, trial: int, step: int, value: float) -> bool:
        """Take in a report; return whether to stop the trial."""
        return step >= self._horizon or self._compare(trial, step, value)

    def end(self, trial: int, step: int, value: float) -> None:
        """Take in the last report of a trial that has ended, however it ended."""
        self._compare(trial, step, value)

    def _compare(self, trial: int, step: int, value: float) -> bool:
        """Record the value at the highest rung reached that has none of this trial, and compare it there."""
        score = self._sign * value
        for rung in reversed(self.rungs):
            scores = self._scores[rung]
            if rung <= step and trial not in scores:
                behind = falls_behind(score, scores.values(), self._reduction_factor)
                scores[trial] = score
                return behind
        return False
