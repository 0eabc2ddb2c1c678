"""Schedulers: who stops trials early. The clock is the optimiser step.

Ray's schedulers are used as they are, with two additions: a trial is known by its number, which survives
a restart, and a report is judged once, so that a trial that tells its past again changes nothing.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    FIFOScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
    TrialScheduler,
)

from lru_tune.files.run_directory import STEP, Mode
from lru_tune.results.reading.rungs import rung_steps
from lru_tune.search.strategy.trial_keys import NUMBER, REPORT


class StoppingSettings(NamedTuple):
    """What a scheduler is built from.

    Attributes:
      metric, mode: what is compared, and whether `max` or `min` is better.
      horizon: steps of the longest trial.
      reports: reports of the longest trial.
      grace: steps before a trial may be stopped.
      reduction_factor: one trial in so many goes on at each rung.
    """

    metric: str
    mode: Mode
    horizon: int
    reports: int
    grace: int
    reduction_factor: int


class Numbered(NamedTuple):
    """A trial as the schedulers below know it; equal across restarts."""

    trial_id: int


class Replayable(FIFOScheduler):
    """Mixed into a scheduler whose state follows from the order of events and from nothing else."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._judged: dict[Numbered, int] = {}

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Take in a trial; once more after its worker was lost."""
        super().on_trial_add(tune_controller, _numbered(trial))

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Return Ray's decision about the trial; a report that was judged before never stops it."""
        known = _numbered(trial)
        if result[STEP] <= self._judged.get(known, 0):
            return TrialScheduler.CONTINUE
        self._judged[known] = result[STEP]
        return super().on_trial_result(tune_controller, known, result)

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """Take note of how a trial ended."""
        super().on_trial_complete(tune_controller, _numbered(trial), result)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Take note that a trial failed."""
        super().on_trial_error(tune_controller, _numbered(trial))

    def on_trial_remove(self, tune_controller: Any, trial: Any) -> None:
        """Forget a trial that was ended while it waited."""
        super().on_trial_remove(tune_controller, _numbered(trial))


class Asha(Replayable, AsyncHyperBandScheduler):
    """Asynchronous successive halving, the stopping kind."""


class Median(Replayable, MedianStoppingRule):
    """Stops a trial whose best value is worse than the median of the others' averages."""


class Unstopped(Replayable):
    """Lets every trial run to its end."""


def _numbered(trial: Any) -> Any:  # for Ray's schedulers, which say they want its own Trial
    return Numbered(trial.config[NUMBER])


def _asha(stopping: StoppingSettings) -> TrialScheduler:
    return Asha(
        time_attr=STEP,
        metric=stopping.metric,
        mode=stopping.mode,
        max_t=stopping.horizon,
        grace_period=stopping.grace,
        reduction_factor=stopping.reduction_factor,
        brackets=1,
    )


def _hyperband(stopping: StoppingSettings) -> TrialScheduler:
    # HyperBand makes its brackets from the clock's range; in steps there would be far too many.
    return HyperBandScheduler(
        time_attr=REPORT,
        metric=stopping.metric,
        mode=stopping.mode,
        max_t=stopping.reports,
        reduction_factor=stopping.reduction_factor,
    )


def _median(stopping: StoppingSettings) -> TrialScheduler:
    return Median(
        time_attr=STEP,
        metric=stopping.metric,
        mode=stopping.mode,
        grace_period=stopping.grace,
        min_time_slice=math.inf,  # never pause a trial to let others catch up
    )


def _none(_terms: StoppingSettings) -> TrialScheduler:
    return Unstopped()


SCHEDULERS: dict[str, Callable[[StoppingSettings], TrialScheduler]] = {
    "asha": _asha,
    "hyperband": _hyperband,
    "median": _median,
    "none": _none,
}


def rungs(stopping: StoppingSettings) -> list[int]:
    """Return the steps at which ASHA compares trials, smallest first."""
    return rung_steps(stopping.grace, stopping.reduction_factor, stopping.horizon)
