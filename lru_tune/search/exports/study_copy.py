"""StudyCopier: copies a running search into an Optuna study, in a thread that the search never waits for."""

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

FINISH_SECONDS = 20.0  # that the end of a search waits for the copy


class StudyCopier(tune.Callback):
    """Copies the journal's records of trials into the experiment's `optuna.journal`.

    The thread writes the newest record of each trial that has changed. On a slow disk it skips records in
    between. If the study cannot be written, a warning is logged and the search continues.

    Args:
      journal: of the search; the Recorder must come before this callback.
      space: of the search.
      experiment: its folder.
    """

    def __init__(self, journal: Journal, space: SearchSpace, experiment: Path) -> None:
        self._journal, self._space, self._experiment = journal, space, experiment
        self._changed: dict[int, TrialRecord] = {}
        self._closing = False
        self._seen = 0  # trials below this number have been queued at least once

    def setup(self, *_settings: Any, **_info: Any) -> None:
        """Start the thread, with the trials so far."""
        # Created here, because Ray pickles callbacks before the search starts.
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._work, daemon=True, name="optuna-study")
        self._queue(len(self._journal.trials) - 1)
        self._thread.start()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Copy a trial that starts."""
        self._queue(trial.config[NUMBER])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Copy a report."""
        self._queue(trial.config[NUMBER])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Copy an end."""
        self._queue(trial.config[NUMBER])

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Copy a failure."""
        self._queue(trial.config[NUMBER])

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        """Wait up to FINISH_SECONDS for the rest."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(FINISH_SECONDS)
        if self._thread.is_alive():
            logger.warning("%s is not complete yet; %s", FILE, self._hint)

    def _queue(self, number: int) -> None:
        numbers = {*range(self._seen, number + 1), *([number] if number >= 0 else [])}
        self._seen = max(self._seen, number + 1)
        with self._wake:
            for each in numbers:
                trial = self._journal.trials[each]
                self._changed[each] = dataclasses.replace(trial, values=dict(trial.values))
            self._wake.notify()

    def _take(self) -> list[TrialRecord] | None:
        """Wait for changes and return them, None at the end of the search."""
        with self._wake:
            self._wake.wait_for(lambda: self._changed or self._closing)
            taken, self._changed = list(self._changed.values()), {}
        return taken or None

    def _work(self) -> None:
        try:
            with study_file(self._experiment / FILE, self._space, self._experiment) as study:
                while (taken := self._take()) is not None:
                    study.update(taken)
        except Exception as error:  # noqa: BLE001 - the search continues without the copy
            name = type(error).__name__
            logger.warning("%s is not kept: %s: %s; %s", FILE, name, error, self._hint)

    @property
    def _hint(self) -> str:
        return f"make it later with  lru-tune export {self._experiment} --optuna FILE"
