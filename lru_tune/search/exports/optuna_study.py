"""Writes a search into a file as an Optuna study, for optuna-dashboard and Optuna's own plots.

The study is a copy that the search never reads; it can be made again from the journal at any time.
Statuses become Optuna's states:

    completed -> COMPLETE    stopped -> PRUNED    diverged, failed -> FAIL    anything else -> RUNNING
"""

import contextlib
import os
import warnings
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from lru_tune.files import run_directory as runs
from lru_tune.files.experiment_folder import TRIALS_FOLDER
from lru_tune.files.run_directory import BEST_OF, Mode
from lru_tune.search.strategy.journal import TrialRecord
from lru_tune.space.optuna_distributions import DIRECTIONS, distribution
from lru_tune.space.space import SearchSpace

FILE = "optuna.journal"

STATES = {
    "completed": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "diverged": TrialState.FAIL,
    "failed": TrialState.FAIL,
}
SQLITE_SUFFIXES = (".db", ".sqlite", ".sqlite3")


class StudyFile:
    """A study in a file, updated one trial at a time.

    Parameters are named after their fields and are on the scale that the searcher samples on: a dimension
    close to one is stored as its distance to one, `1 - model.recurrence.r_max`.

    Args:
      path: a journal of Optuna, or SQLite if it ends in .db, .sqlite or .sqlite3; created if missing.
      space: of the search.
      experiment: its folder; the study takes its name.
    """

    def __init__(self, path: Path, space: SearchSpace, experiment: Path) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space = space
        self._trials_dir = experiment / TRIALS_FOLDER
        self._mode = space.tune.mode
        self._distributions = {
            domain.label(name): distribution(domain.coordinate)
            for name, domain in space.domains.items()
        }
        self._storage = _storage(path)
        study = optuna.create_study(
            storage=self._storage,
            study_name=experiment.name,
            direction=DIRECTIONS[self._mode],
            load_if_exists=True,
        )
        self._study_id = self._storage.get_study_id_from_name(experiment.name)
        with warnings.catch_warnings():  # Optuna calls the name of an axis experimental
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names([space.tune.metric])
        self._known = {
            trial.number: trial
            for trial in self._storage.get_all_trials(self._study_id, deepcopy=True)
        }

    def update(self, trials: Iterable[TrialRecord]) -> None:
        """Write what is new about trials; none may be skipped, because Optuna numbers them in this order."""
        for trial in sorted(trials, key=lambda trial: trial.number):
            wanted = self._frozen(trial)
            known = self._known.get(trial.number)
            if known is None:
                self._storage.create_new_trial(self._study_id, template_trial=wanted)
            elif not known.state.is_finished():
                self._write_changes(known, wanted)
            self._known[trial.number] = wanted

    def close(self) -> None:
        """Close the file."""
        if isinstance(self._storage, RDBStorage):
            self._storage.engine.dispose()

    def _write_changes(self, known: FrozenTrial, wanted: FrozenTrial) -> None:
        """Write what has changed since a running trial was last written."""
        id_ = self._storage.get_trial_id_from_study_id_trial_number(self._study_id, known.number)
        for step, value in wanted.intermediate_values.items():
            if step not in known.intermediate_values:
                self._storage.set_trial_intermediate_value(id_, step, value)
        for key, value in wanted.user_attrs.items():
            if known.user_attrs.get(key) != value:
                self._storage.set_trial_user_attr(id_, key, value)
        if wanted.state.is_finished():
            self._storage.set_trial_state_values(id_, wanted.state, wanted.values)

    def _frozen(self, trial: TrialRecord) -> FrozenTrial:
        values = trial.own_values
        state = STATES.get(trial.status, TrialState.RUNNING)
        frozen = create_trial(
            state=state,
            value=_value(state, values, self._mode),
            params={
                domain.label(name): domain.to_coordinate(trial.sample[name])
                for name, domain in self._space.domains.items()
            },
            distributions=self._distributions,
            intermediate_values=values,
            user_attrs={"run": trial.run, "status": trial.status}
            | ({"error": trial.error} if trial.error else {}),
        )
        frozen.number = trial.number
        begun, ended = _times(self._trials_dir / trial.run)
        frozen.datetime_start = begun or frozen.datetime_start
        if state.is_finished():
            frozen.datetime_complete = ended or frozen.datetime_complete
        return frozen


@contextlib.contextmanager
def study_file(path: Path, space: SearchSpace, experiment: Path) -> Iterator[StudyFile]:
    """Open a study, and close it at the end of the block."""
    study = StudyFile(path, space, experiment)
    try:
        yield study
    finally:
        study.close()


def storage_url(path: Path) -> str:
    """Return the storage argument of optuna-dashboard for the file of a study."""
    return f"sqlite:///{path}" if path.suffix in SQLITE_SUFFIXES else str(path)


def is_study(path: Path) -> bool:
    """Return whether a file is empty, SQLite or a journal of Optuna."""
    with open(path, "rb") as file:
        head = file.read(64)
    return not head or head.startswith(b"SQLite format 3") or b'"op_code"' in head


def _storage(path: Path) -> BaseStorage:
    if path.suffix in SQLITE_SUFFIXES:
        return RDBStorage(storage_url(path))
    _truncate_incomplete_line(path)
    return JournalStorage(JournalFileBackend(str(path)))


def _truncate_incomplete_line(path: Path) -> None:
    """Truncate the last line of a journal whose writer was killed; Optuna would stop reading there."""
    content = path.read_bytes() if path.is_file() else b""
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


def _value(state: TrialState, values: dict[int, float], mode: Mode) -> float | None:
    """Return the best value of a completed trial, as the searcher uses it, or the last of a stopped one."""
    if state == TrialState.COMPLETE:
        return BEST_OF[mode](values.values())
    return values[max(values)] if state == TrialState.PRUNED and values else None


def _times(run_dir: Path) -> tuple[datetime | None, datetime | None]:
    """Return when a run started and ended, None if its files do not say."""
    begun, ended = (run_dir / name for name in (runs.CONFIG_FILE, runs.RESULT_FILE))
    return _modified(begun), _modified(ended)


def _modified(path: Path) -> datetime | None:
    return datetime.fromtimestamp(path.stat().st_mtime) if path.is_file() else None
