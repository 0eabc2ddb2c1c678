"""The status of an experiment, read from its files alone, without Ray, JAX or pandas."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from lru_tune.files import run_directory as runs
from lru_tune.files.experiment_folder import (
    CONFIRM_FOLDER,
    SPACE_FILE,
    TRIALS_FOLDER,
    activity,
    read_experiment,
    seconds_silent,
)
from lru_tune.files.run_directory import BEST_OF, Mode
from lru_tune.formatting import duration
from lru_tune.search.record import resume_command
from lru_tune.search.strategy import journal as journals
from lru_tune.search.strategy.journal import GAVE_UP, TrialRecord, read_trials
from lru_tune.space.space import SearchSpace

State = Literal["running", "silent", "interrupted", "completed"]


class RunState(NamedTuple):
    """One run.

    Attributes:
      status: of `lru_tune.files.run_directory.Status`, or `running`.
      step, horizon: optimiser steps done and planned; the horizon is None if it is not known.
      value, best: of the metric, at the last report and the best so far; None before the first report.
      silent: seconds since the run last wrote a file; None if it has ended.
      rate: optimiser steps per second at the last report; 0 if it is not known.
    """

    name: str
    status: str
    step: int = 0
    horizon: int | None = None
    value: float | None = None
    best: float | None = None
    silent: float | None = None
    rate: float = 0.0


@dataclass(frozen=True)
class Stage:
    """A stage of an experiment, such as the search or the confirmation.

    Attributes:
      total: number of runs planned; None if it is not known.
      steps: optimiser steps planned over all runs; None if they are not known.
      mode: whether `max` or `min` of the metric is better.
    """

    name: str
    runs: tuple[RunState, ...]
    total: int | None = None
    steps: int | None = None
    mode: Mode = "max"

    @property
    def counts(self) -> dict[str, int]:
        """Status -> number of runs, the most frequent first."""
        return dict(Counter(run.status for run in self.runs).most_common())

    @property
    def running(self) -> tuple[RunState, ...]:
        """The runs that are running."""
        return tuple(run for run in self.runs if run.status == "running")

    @property
    def best(self) -> RunState | None:
        """The run with the best value so far among those that did not diverge or fail."""
        valued = [run for run in self.runs if run.best is not None and run.status not in GAVE_UP]
        choose = BEST_OF[self.mode]
        return choose(valued, key=lambda run: run.best or 0.0, default=None)

    @property
    def steps_left(self) -> int | None:
        """Optimiser steps expected until the stage ends, at least those left of the running runs."""
        if self.steps is None:
            return None
        if len(self.runs) == self.total and not self.running:
            return 0
        open_steps = sum(max(0, (run.horizon or 0) - run.step) for run in self.running)
        return max(self.steps - sum(run.step for run in self.runs), open_steps)


class Status(NamedTuple):
    """The status of an experiment or a reproduction.

    Attributes:
      folder: absolute.
      kind: which of the two.
      state: `silent` if it should be running but has not written anything for a long time.
      about: what is searched or reproduced, in a few words.
      metric: of the values.
      stages: in order.
      seconds_left: a rough estimate; None if there is none.
      notes: lines for the user.
    """

    folder: Path
    kind: Literal["search", "reproduction"]
    state: State
    about: str
    metric: str
    stages: tuple[Stage, ...]
    seconds_left: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Optimiser steps per second of all running runs together."""
        return _rate_of(self.stages)


def search_status(folder: Path) -> Status:
    """Return the status of a search and its confirmation.

    Raises:
      ConfigError: the folder is no experiment.
    """
    record = read_experiment(folder)
    metric, mode, plan = record["metric"], record["mode"], record.get("plan", {})
    trials = read_trials(folder / journals.FILE)
    found = [_trial(trial, folder / TRIALS_FOLDER, metric, mode) for trial in trials.values()]
    confirmed = read_runs(sorted((folder / CONFIRM_FOLDER).glob("[!.]*")), metric, mode)
    state: State = "completed" if record["status"] == "completed" else activity(folder)
    horizon = plan.get("horizon")
    # There are more than planned if an extended search found better configurations.
    confirm_runs = max(plan.get("confirm_runs", 0), len(confirmed))
    searched = mark_interrupted(found, state)
    stages = [Stage("search", searched, _planned(folder, plan), plan.get("steps"), mode)]
    if confirm_runs or confirmed:
        steps = confirm_runs * horizon if horizon else None
        stages.append(
            Stage("confirmation", mark_interrupted(confirmed, state), confirm_runs, steps, mode)
        )
    return Status(
        folder=folder,
        kind="search",
        state=state,
        about=", ".join(
            [record["task"], record["variant"], f"{record['scale']} scale"]
            + ["synthetic data"] * bool(record.get("synthetic"))
        ),
        metric=metric,
        stages=tuple(stages),
        seconds_left=_seconds_left(stages) if state == "running" else None,
        notes=_notes(folder, record, state),
    )


def read_runs(folders: Iterable[Path], metric: str, mode: Mode) -> list[RunState]:
    """Return the states of runs without a journal; one without result.json counts as running."""
    return [_run(folder, metric, mode) for folder in folders if folder.is_dir()]


def mark_interrupted(found: Iterable[RunState], state: State) -> tuple[RunState, ...]:
    """Return the runs; if no process works on them, those that have not ended are interrupted."""
    if state == "running":
        return tuple(found)
    return tuple(
        run._replace(status="interrupted", silent=None, rate=0.0)
        if run.status == "running"
        else run
        for run in found
    )


def _rate_of(stages: Iterable[Stage]) -> float:
    return sum(run.rate for stage in stages for run in stage.running)


def _seconds_left(stages: Sequence[Stage]) -> float | None:
    """Return how long the rest of the plan takes at the present rate."""
    left, rate = [stage.steps_left for stage in stages], _rate_of(stages)
    if rate <= 0 or None in left:
        return None
    return sum(steps for steps in left if steps is not None) / rate


def _trial(trial: TrialRecord, trials_dir: Path, metric: str, mode: Mode) -> RunState:
    """Return the state of a trial: from the journal if it has ended, else from its run directory."""
    if not trial.ended:
        run = _run(trials_dir / trial.run, metric, mode)
        return run._replace(status="running")  # until the journal has its end
    values = trial.own_values
    choose = BEST_OF[mode]
    return RunState(
        trial.run,
        trial.status,
        step=trial.step,
        value=values.get(trial.step),
        best=choose(values.values(), default=None),
    )


def _run(folder: Path, metric: str, mode: Mode) -> RunState:
    reports = runs.read_metrics(folder)
    result = runs.read_result(folder) or {}
    try:
        config = runs.read_config(folder)
    except FileNotFoundError:  # it has just started
        config = {}
    status = result.get("status", "running")
    values = [report[metric] for report in reports]
    return RunState(
        folder.name,
        status,
        step=int(reports[-1][runs.STEP]) if reports else 0,
        horizon=config.get("steps"),
        value=values[-1] if values else None,
        best=BEST_OF[mode](values, default=None),
        silent=seconds_silent(folder) if status == "running" and folder.is_dir() else None,
        rate=_rate(reports, config),
    )


def _rate(reports: list[dict[str, float]], config: dict[str, Any]) -> float:
    batch_size = config.get("data", {}).get("batch_size")
    if not reports or not batch_size:
        return 0.0
    return float(reports[-1][runs.EXAMPLES_PER_SECOND] / batch_size)


def _planned(folder: Path, plan: dict[str, Any]) -> int | None:
    if "trials" in plan:
        return int(plan["trials"])
    path = folder / SPACE_FILE
    return SearchSpace.load(path).tune.trials if path.is_file() else None


def _notes(folder: Path, record: dict[str, Any], state: State) -> tuple[str, ...]:
    remedy = f"continue with:  {resume_command(folder, record.get('flags', ()))}"
    if state == "interrupted":
        gone = "its process is gone; " if record["status"] == "running" else ""
        return (f"{gone}{remedy}",)
    if state == "silent":
        silent = duration(seconds_silent(folder))
        return (f"the last file was written {silent} ago; if its process is gone, {remedy}",)
    return ()
