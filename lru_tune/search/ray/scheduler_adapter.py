"""SchedulerAdapter: Ray's view of our schedulers. HyperBand is Ray's own.

HyperBand pauses each trial at a rung until its whole bracket has arrived, and resumes the best of them. Only
Ray's controller can pause and resume trials, so Ray's own class decides there.
"""

from collections.abc import Mapping
from typing import Any

from ray.tune.schedulers import FIFOScheduler, HyperBandScheduler, TrialScheduler

from lru_tune.files.run_directory import STEP
from lru_tune.search.ray.trial_keys import BRACKET, NUMBER, REPORT, STATUS
from lru_tune.search.strategy.journal import RUNNING, Ended, Reported
from lru_tune.search.strategy.schedulers import Scheduler, StoppingSettings


class SchedulerAdapter(FIFOScheduler):
    """Asks the scheduler of a trial's bracket about each of its reports.

    Args:
      schedulers: bracket -> scheduler; a search has one bracket, "".
      metric: that trials are compared by.
    """

    def __init__(self, schedulers: Mapping[str, Scheduler], metric: str) -> None:
        super().__init__()
        self._schedulers = schedulers
        self._metric: str = metric

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Return whether the trial continues."""
        stop = self._scheduler(trial).apply(self._reported(trial, result))
        return TrialScheduler.STOP if stop else TrialScheduler.CONTINUE

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """Take in how a trial ended: by itself, or because `on_trial_result` stopped it."""
        if STEP not in result:  # it ended before its first report
            return
        scheduler, report = self._scheduler(trial), self._reported(trial, result)
        scheduler.apply(report)
        status = "stopped" if report.status == RUNNING else report.status
        scheduler.apply(Ended(report.number, status))

    def _scheduler(self, trial: Any) -> Scheduler:
        return self._schedulers[trial.config[BRACKET]]

    def _reported(self, trial: Any, result: dict[str, Any]) -> Reported:
        value = result[self._metric]
        return Reported(trial.config[NUMBER], result[STEP], result[REPORT], value, result[STATUS])


def hyperband(stopping: StoppingSettings) -> HyperBandScheduler:
    """Return Ray's HyperBand; its clock is the report.

    It makes its brackets from the range of its clock; in steps there would be far too many.
    """
    return HyperBandScheduler(
        time_attr=REPORT,
        metric=stopping.metric,
        mode=stopping.mode,
        max_t=stopping.reports,
        reduction_factor=stopping.reduction_factor,
    )
