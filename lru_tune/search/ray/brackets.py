"""Brackets: several small searches among the runs of one list, each with its own early stopping."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from lru_tune.search.strategy.trial_keys import BRACKET, NUMBER


class Brackets(FIFOScheduler):
    """Several successive halvings side by side: a trial is compared with those of its own bracket only."""

    def __init__(self, referees: Mapping[str, TrialScheduler]) -> None:
        super().__init__()
        self._referees = {"": FIFOScheduler(), **referees}

    def recall(self, bracket: str, number: int, reports: Sequence[dict[str, Any]]) -> None:
        """Let a bracket know of a run that ended before."""
        referee = self._referees[bracket]
        past: Any = SimpleNamespace(config={NUMBER: number})
        controller: Any = None  # successive halving does not ask for it
        referee.on_trial_add(controller, past)
        for report in reports:
            referee.on_trial_result(controller, past, report)

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Take what the tuner says; every referee has its own metric."""
        return True

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Enter a trial for its bracket."""
        self._referee(trial).on_trial_add(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Return the decision of the trial's bracket."""
        decision: str = self._referee(trial).on_trial_result(tune_controller, trial, result)
        return decision

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """Take note of how a trial ended."""
        self._referee(trial).on_trial_complete(tune_controller, trial, result)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Take note that a trial failed."""
        self._referee(trial).on_trial_error(tune_controller, trial)

    def on_trial_remove(self, tune_controller: Any, trial: Any) -> None:
        """Forget a trial that was ended while it waited."""
        self._referee(trial).on_trial_remove(tune_controller, trial)

    def _referee(self, trial: Any) -> TrialScheduler:
        return self._referees[trial.config[BRACKET]]
