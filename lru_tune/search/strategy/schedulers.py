"""Schedulers: which trials are stopped early, as a fold over the events of a search.

The clock is the optimiser step. HyperBand is not here: it pauses trials and resumes them later, for which it
needs Ray's own trials; see `lru_tune.search.ray.scheduler_adapter`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from lru_tune.files.run_directory import Mode
from lru_tune.search.strategy.asha import Asha
from lru_tune.search.strategy.journal import RUNNING, Ended, Event, Reported
from lru_tune.search.strategy.median import MedianStopping


class StoppingSettings(NamedTuple):
    """The scheduler settings of a search, with every number known.

    Attributes:
      metric, mode: what is compared, and whether `max` or `min` is better.
      horizon: steps of the longest trial.
      reports: reports of the longest trial.
      grace: steps before a trial may be stopped.
      reduction_factor: one trial in this many continues at a rung.
    """

    metric: str
    mode: Mode
    horizon: int
    reports: int
    grace: int
    reduction_factor: int


class StoppingRule(Protocol):
    """Decides which trials are stopped. Trials are known by their numbers."""

    def report(self, trial: int, step: int, value: float) -> bool:
        """Take in a report; return whether to stop the trial."""

    def end(self, trial: int, step: int, value: float) -> None:
        """Take in the last report of a trial that has ended, however it ended."""


class NeverStop:
    """Lets every trial run to its end."""

    def report(self, trial: int, step: int, value: float) -> bool:
        """Return False."""
        return False

    def end(self, trial: int, step: int, value: float) -> None:
        """Do nothing."""


def _asha(stopping: StoppingSettings) -> StoppingRule:
    return Asha(
        mode=stopping.mode,
        grace=stopping.grace,
        reduction_factor=stopping.reduction_factor,
        horizon=stopping.horizon,
    )


def _median(stopping: StoppingSettings) -> StoppingRule:
    return MedianStopping(mode=stopping.mode, grace=stopping.grace)


def _none(_: StoppingSettings) -> StoppingRule:
    return NeverStop()


SCHEDULERS: Mapping[str, Callable[[StoppingSettings], StoppingRule]] = {
    "asha": _asha,
    "median": _median,
    "none": _none,
}


class Scheduler:
    """Applies a stopping rule to events, in a running search as in one read back from its journal.

    A report is judged once: a trial that repeats its past after a restart changes nothing.
    """

    def __init__(self, rule: StoppingRule) -> None:
        self._rule = rule
        self._last: dict[int, Reported] = {}  # trial -> its newest report

    def apply(self, event: Event) -> bool:
        """Take in an event; return whether it means that its trial must be stopped."""
        last = self._last.get(event.number)
        match event:
            case Reported(number, step, _, value, status):
                if status == RUNNING and last is not None and step <= last.step:
                    return False
                self._last[number] = event
                return status == RUNNING and self._rule.report(number, step, value)
            case Ended(number, status) if last is not None:
                if status != "failed" or last.status == "failed":  # else its worker was lost
                    self._rule.end(number, last.step, last.value)
        return False
