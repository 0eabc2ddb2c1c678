"""Running trials in parallel through Ray: for a search, and for a fixed list of runs."""

import os
import shutil
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ray import tune
from ray.tune.schedulers import HyperBandScheduler, TrialScheduler
from ray.tune.search import Searcher

from lru_tune.config.schema import RunConfig
from lru_tune.errors import Interrupted
from lru_tune.files import run_directory as runs
from lru_tune.search.lanes.placement import places
from lru_tune.search.ray.brackets import Brackets
from lru_tune.search.ray.resources import Allocation
from lru_tune.search.ray.run_list import PlannedRun, is_done
from lru_tune.search.ray.trainable import LruTrial, WorkerSettings
from lru_tune.search.ray.worker_warnings import Echo
from lru_tune.search.strategy.recorder import last_error, mark_run
from lru_tune.search.strategy.schedulers import SCHEDULERS, StoppingSettings
from lru_tune.search.strategy.trial_keys import (
    BRACKET,
    ERROR,
    FINAL,
    NUMBER,
    RUN,
    RUN_DIR,
    RUNNING,
    STATUS,
    WORKER,
)
from lru_tune.system.signals import interrupts_restored

RETRIES = 2  # of a trial whose worker was lost; it goes on from its own checkpoint
RAY_FOLDER = "ray"


def run_trials(
    searcher: Searcher,
    scheduler: TrialScheduler,
    *,
    count: int,
    allocation: Allocation,
    worker: WorkerSettings,
    example: RunConfig,
    experiment: Path,
    callbacks: Sequence[tune.Callback],
) -> None:
    """Run so many of a searcher's trials in the Ray cluster this process is connected to.

    Args:
      searcher: proposes mappings with the keys of `lru_tune.search.strategy.trial_keys`.
      scheduler: who stops trials early.
      count: trials to run.
      allocation: what each gets, and how many run at once.
      worker: what all of them share.
      example: one of the runs, by whose memory lanes are counted.
      experiment: absolute folder; Ray's own files go to its `ray/`, and are not needed afterwards.
      callbacks: told of everything.

    Raises:
      Interrupted: SIGINT, SIGTERM or SIGHUP came; running trials have been closed and can go on.
    """
    shutil.rmtree(experiment / RAY_FOLDER, ignore_errors=True)
    tally = Tally()
    # HyperBand compares trials that it has paused: a bracket must fill at once, beyond what can run.
    synchronous = isinstance(scheduler, HyperBandScheduler)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(count) if synchronous else "auto"
    with places(allocation, worker, example) as place, interrupts_restored():
        tune.Tuner(
            tune.with_resources(LruTrial, {"cpu": place.cpus, "gpu": place.gpus}),
            param_space={WORKER: asdict(place.worker)},
            tune_config=tune.TuneConfig(
                num_samples=count,
                search_alg=searcher,
                scheduler=scheduler,
                max_concurrent_trials=None if synchronous else place.concurrent,
                reuse_actors=True,
                trial_name_creator=_name,
                trial_dirname_creator=_name,
            ),
            run_config=tune.RunConfig(
                name=RAY_FOLDER,
                storage_path=str(experiment),
                failure_config=tune.FailureConfig(max_failures=RETRIES),
                callbacks=[*callbacks, Echo(), tally],
                verbose=0,
            ),
        ).fit()
    if tally.ended < count:
        raise Interrupted(f"interrupted with {count - tally.ended} trials to go")


def run_all(
    jobs: Sequence[PlannedRun],
    *,
    allocation: Allocation,
    worker: WorkerSettings,
    experiment: Path,
    brackets: Mapping[str, StoppingSettings] = MappingProxyType({}),
    callbacks: Sequence[tune.Callback] = (),
) -> None:
    """Make every run of a list that is not done yet; how each ended is in its run directory.

    Args:
      jobs: the runs.
      allocation: what each gets, and how many run at once.
      worker: what all of them share.
      experiment: absolute folder for Ray's own files.
      callbacks: told of everything.
      brackets: for each bracket among the jobs, the stopping of its successive halving.

    Raises:
      Interrupted: as `run_trials`.
    """
    numbered = list(enumerate(jobs))
    waiting = [(number, job) for number, job in numbered if not is_done(job)]
    if not waiting:
        return
    referee = Brackets({name: SCHEDULERS["asha"](stopping) for name, stopping in brackets.items()})
    for number, job in numbered:
        if job.bracket and is_done(job):
            referee.recall(job.bracket, number, runs.read_metrics(job.run_dir))
    run_trials(
        FixedRuns(waiting, worker),
        referee,
        count=len(waiting),
        allocation=allocation,
        worker=worker,
        example=waiting[0][1].config,
        experiment=experiment,
        callbacks=[*callbacks, EndMarker()],
    )


class FixedRuns(Searcher):
    """Proposes the runs of a list, in order."""

    def __init__(self, jobs: Sequence[tuple[int, PlannedRun]], worker: WorkerSettings) -> None:
        super().__init__(metric=worker.metric, mode=worker.mode)
        self._waiting = deque(jobs)

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """Return what a Ray trial is started with."""
        if not self._waiting:
            return None
        number, job = self._waiting.popleft()
        return {
            NUMBER: number,
            RUN: job.config.model_dump(mode="json"),
            RUN_DIR: str(job.run_dir),
            FINAL: job.final,
            BRACKET: job.bracket,
        }

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing is learnt."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing is kept: what is done is in the run directories."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing is kept."""


class EndMarker(tune.Callback):
    """Writes into the run directories of a fixed list which of them were stopped or failed, and why."""

    def __init__(self) -> None:
        self._stopped: set[Path] = set()

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Mark a run that gave up by itself; remember one that was stopped, which is still closing."""
        result = trial.last_result or {}
        if result.get(STATUS) == "failed":
            mark_run(Path(trial.config[RUN_DIR]), "failed", result[ERROR])
        elif result.get(STATUS) == RUNNING:
            self._stopped.add(Path(trial.config[RUN_DIR]))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Mark a run that could not be brought to its end."""
        mark_run(Path(trial.config[RUN_DIR]), "failed", last_error(Path(trial.error_file)))

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        """Mark the runs that were stopped; their processes have closed them by now."""
        for run_dir in self._stopped:
            mark_run(run_dir, "stopped", None)


class Tally(tune.Callback):
    """Counts the trials that came to an end, which Ray's results do not tell after an interruption."""

    def __init__(self) -> None:
        self.ended = 0

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Count."""
        self.ended += 1

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Count."""
        self.ended += 1


def _name(trial: Any) -> str:
    return f"{trial.config[NUMBER]:04d}"
