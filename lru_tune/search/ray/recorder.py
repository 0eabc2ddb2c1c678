"""Recorder: writes what Ray's trials report into the journal, and ends into the run directories."""

from pathlib import Path
from typing import Any

from ray import tune

from lru_tune.files import run_directory as runs
from lru_tune.search.ray.trial_keys import ERROR, NUMBER, REPORT, STATUS
from lru_tune.search.strategy.journal import RUNNING, Ended, Journal, Reported
from lru_tune.search.strategy.searchers import SpaceSearcher

MARKED = frozenset({"stopped", "failed"})


class Recorder(tune.Callback):
    """Turns Ray's callbacks into events; writes each to the journal once and applies it to the searcher."""

    def __init__(
        self, journal: Journal, searcher: SpaceSearcher, trials_dir: Path, metric: str
    ) -> None:
        self._journal = journal
        self._searcher = searcher
        self._trials_dir = trials_dir
        self._metric = metric
        self._errors: dict[int, str] = {}
        self._closing: set[int] = set()  # ended, while their result.json may not be written yet

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Record a report."""
        number = trial.config[NUMBER]
        if ERROR in result:
            self._errors[number] = result[ERROR]
        if result[runs.STEP] <= self._journal.trials[number].step and result[STATUS] == RUNNING:
            return  # another attempt that repeats its past
        value = result[self._metric]
        self._record(Reported(number, result[runs.STEP], result[REPORT], value, result[STATUS]))

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Record that a trial ended by itself or was stopped by the scheduler."""
        number = trial.config[NUMBER]
        status = (trial.last_result or {}).get(STATUS, RUNNING)
        status = "stopped" if status == RUNNING else status
        self._end(number, status, self._errors.get(number))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Record that a trial failed for good."""
        self._end(trial.config[NUMBER], "failed", last_error(Path(trial.error_file)))

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        """Mark the runs that were still closing; their processes have ended by now."""
        mark_runs(self._journal, self._trials_dir)

    def _end(self, number: int, status: str, error: str | None) -> None:
        if self._journal.trials[number].status != status:
            self._record(Ended(number, status, error))
        self._closing.add(number)
        for other in list(self._closing):
            if runs.read_result(self._run_dir(other)) is not None:
                trial = self._journal.trials[other]
                mark_run(self._run_dir(other), trial.status, trial.error)
                self._closing.discard(other)

    def _run_dir(self, number: int) -> Path:
        return self._trials_dir / self._journal.trials[number].run

    def _record(self, event: Reported | Ended) -> None:
        self._journal.append(event)
        self._searcher.apply(event)


def mark_runs(journal: Journal, trials_dir: Path) -> None:
    """Mark all ended runs of a search. No process may be writing to them."""
    for trial in journal.trials.values():
        mark_run(trials_dir / trial.run, trial.status, trial.error)


def mark_run(run_dir: Path, status: str, error: str | None) -> None:
    """Write into result.json that the scheduler stopped a run, or that it failed; only the driver knows.

    A worker closes its run as `interrupted` whatever the reason, and not at all if it was killed.
    """
    if status not in MARKED:
        return
    fields: dict[str, Any] = {"status": status} | ({ERROR: error} if error else {})
    result = runs.read_result(run_dir)
    if result is None:
        runs.write_result(run_dir, **_from_reports(run_dir), **fields)
    elif result["status"] == "interrupted":
        runs.update_result(run_dir, **fields)


def _from_reports(run_dir: Path) -> dict[str, Any]:
    """Return the fields of result.json that follow from the reports of a run whose worker was killed."""
    found = runs.reports_summary(runs.read_metrics(run_dir))
    if not found:
        return {}
    config = runs.read_config(run_dir)
    heading = {name: config[name] for name in ("task", "variant", "seed")}
    return heading | {"horizon": config["steps"]} | found


def last_error(path: Path) -> str:
    """Return the last unindented line of Ray's error file, where a traceback names its exception."""
    lines = path.read_text().splitlines() if path.is_file() else []
    at_margin = [line for line in lines if line and not line[0].isspace()]
    return at_margin[-1] if at_margin else "no message; see Ray's logs"
