"""StudyMirror: keeps an Optuna study beside a running search, in a thread, at no cost to the search."""

import dataclasses
import logging
import threading
from pathlib import Path
from typing import Any

from ray import tune

from lru_tune.search.exports.optuna_study import FILE, study_file
from lru_tune.search.ray.trial_keys import NUMBER
from lru_tune.search.strategy.journal import Journal, TrialRecord
from lru_tune.space.space import SearchSpace

logger = logging.getLogger(__name__)

FINISH_SECONDS = 20.0  # how long the end of a search waits for a study that has not caught up


class StudyMirror(tune.Callback):
    """Copies what the journal says of each trial into the experiment's `optuna.journal`.

    The thread takes the newest state of every trial that has changed; however slow the disk, the search
    does not wait, and nothing piles up. A study that cannot be written is a warning.

    Args:
      journal: of the search; another callback has written to it before this one is called.
      space: of the search.
      experiment: its folder.
    """

    def __init__(self, journal: Journal, space: SearchSpace, experiment: Path) -> None:
        self._journal, self._space, self._experiment = journal, space, experiment
        self._changed: dict[int, TrialRecord] = {}
        self._closing = False
        self._seen = 0  # trials below this number have been handed over at least once

    def setup(self, *_settings: Any, **_info: Any) -> None:
        """Begin, with the trials of an earlier attempt."""
        # Made here, because Ray pickles a callback before its search begins.
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._work, daemon=True, name="optuna-study")
        self._hand_over(len(self._journal.trials) - 1)
        self._thread.start()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Copy a trial that starts."""
        self._hand_over(trial.config[NUMBER])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Copy a report."""
        self._hand_over(trial.config[NUMBER])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Copy an end."""
        self._hand_over(trial.config[NUMBER])

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Copy a failure."""
        self._hand_over(trial.config[NUMBER])

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        """Wait a little for the rest."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(FINISH_SECONDS)
        if self._thread.is_alive():
            logger.warning("%s is not complete yet; %s", FILE, self._remedy)

    def _hand_over(self, number: int) -> None:
        numbers = {*range(self._seen, number + 1), *([number] if number >= 0 else [])}
        self._seen = max(self._seen, number + 1)
        with self._wake:
            for each in numbers:
                trial = self._journal.trials[each]
                self._changed[each] = dataclasses.replace(trial, values=dict(trial.values))
            self._wake.notify()

    def _take(self) -> list[TrialRecord] | None:
        """Wait for changes and return them; None when there will be no more."""
        with self._wake:
            self._wake.wait_for(lambda: self._changed or self._closing)
            taken, self._changed = list(self._changed.values()), {}
        return taken or None

    def _work(self) -> None:
        try:
            with study_file(self._experiment / FILE, self._space, self._experiment) as study:
                while (taken := self._take()) is not None:
                    study.update(taken)
        except Exception as error:  # noqa: BLE001 - a copy may fail in any way; the search goes on
            name = type(error).__name__
            logger.warning("%s is not kept: %s: %s; %s", FILE, name, error, self._remedy)

    @property
    def _remedy(self) -> str:
        return f"make it later with  lru-tune export {self._experiment} --optuna FILE"
