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
from lru_tune.search.lanes.placement import placed
from lru_tune.search.ray.recorder import last_error, mark_run
from lru_tune.search.ray.resources import Allocation
from lru_tune.search.ray.run_list import PlannedRun, is_done
from lru_tune.search.ray.scheduler_adapter import SchedulerAdapter
from lru_tune.search.ray.searcher_adapter import SearcherAdapter
from lru_tune.search.ray.trainable import LruTrial, WorkerSettings
from lru_tune.search.ray.trial_keys import ERROR, NUMBER, RUN_DIR, STATUS, WORKER, trial_config
from lru_tune.search.ray.worker_warnings import WarningLogger
from lru_tune.search.strategy.journal import RUNNING, Reported
from lru_tune.search.strategy.schedulers import SCHEDULERS, NeverStop, Scheduler, StoppingSettings
from lru_tune.system.signals import interrupts_restored

RETRIES = 2  # of a trial whose worker was killed; it continues from its own checkpoint
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
    """Run trials of a searcher in the Ray cluster that this process is connected to.

    Args:
      searcher: proposes configurations of trials (`lru_tune.search.ray.trial_keys`).
      scheduler: decides which trials to stop early.
      count: number of trials to run.
      allocation: resources of each trial, and how many run at once.
      worker: settings that all trials share.
      example: one of the runs, used to measure how many lanes fit into memory.
      experiment: absolute folder; Ray's own files go to its `ray/` and are not needed afterwards.
      callbacks: called for every event.

    Raises:
      Interrupted: SIGINT, SIGTERM or SIGHUP arrived; running trials have been closed and can continue.
    """
    shutil.rmtree(experiment / RAY_FOLDER, ignore_errors=True)
    counter = EndCounter()
    # HyperBand compares paused trials: a whole bracket must start, also beyond the trials that can run.
    synchronous = isinstance(scheduler, HyperBandScheduler)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(count) if synchronous else "auto"
    with placed(allocation, worker, example) as placement, interrupts_restored():
        tune.Tuner(
            tune.with_resources(LruTrial, {"cpu": placement.cpus, "gpu": placement.gpus}),
            param_space={WORKER: asdict(placement.worker)},
            tune_config=tune.TuneConfig(
                num_samples=count,
                search_alg=searcher,
                scheduler=scheduler,
                max_concurrent_trials=None if synchronous else placement.concurrent,
                reuse_actors=True,
                trial_name_creator=_name,
                trial_dirname_creator=_name,
            ),
            run_config=tune.RunConfig(
                name=RAY_FOLDER,
                storage_path=str(experiment),
                failure_config=tune.FailureConfig(max_failures=RETRIES),
                callbacks=[*callbacks, WarningLogger(), counter],
                verbose=0,
            ),
        ).fit()
    if counter.ended < count:
        raise Interrupted("search.trials-left", count=count - counter.ended)


def run_all(
    planned: Sequence[PlannedRun],
    *,
    allocation: Allocation,
    worker: WorkerSettings,
    experiment: Path,
    brackets: Mapping[str, StoppingSettings] = MappingProxyType({}),
    callbacks: Sequence[tune.Callback] = (),
) -> None:
    """Execute every run of a list that is not done yet; its run directory says how each ended.

    Args:
      planned: the runs.
      allocation: resources of each, and how many run at once.
      worker: settings that all runs share.
      experiment: absolute folder for Ray's own files.
      brackets: how the runs of each bracket are compared by ASHA.
      callbacks: called for every event.

    Raises:
      Interrupted: as `run_trials`.
    """
    waiting = deque((number, run) for number, run in enumerate(planned) if not is_done(run))
    if not waiting:
        return
    example = waiting[0][1].config
    count = len(waiting)

    def suggest() -> dict[str, Any] | None:
        if not waiting:
            return None
        number, run = waiting.popleft()
        return trial_config(number, run.config, run.run_dir, final=run.final, bracket=run.bracket)

    run_trials(
        SearcherAdapter(suggest, worker.metric, worker.mode),
        SchedulerAdapter(_schedulers(planned, brackets), worker.metric),
        count=count,
        allocation=allocation,
        worker=worker,
        example=example,
        experiment=experiment,
        callbacks=[*callbacks, EndMarker()],
    )


def _schedulers(
    planned: Sequence[PlannedRun], brackets: Mapping[str, StoppingSettings]
) -> dict[str, Scheduler]:
    """Return bracket -> scheduler that knows the runs done before; runs outside a bracket never stop."""
    schedulers = {"": Scheduler(NeverStop())}
    for bracket, stopping in brackets.items():
        schedulers[bracket] = Scheduler(SCHEDULERS["asha"](stopping))
        for number, run in enumerate(planned):
            if run.bracket == bracket and is_done(run):
                for n, row in enumerate(runs.read_metrics(run.run_dir), start=1):
                    value = row[stopping.metric]
                    report = Reported(number, int(row[runs.STEP]), n, value, RUNNING)
                    schedulers[bracket].apply(report)
    return schedulers


class EndMarker(tune.Callback):
    """Writes into the run directories of a fixed list which runs were stopped or failed, and why."""

    def __init__(self) -> None:
        self._stopped: set[Path] = set()

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Mark a run that failed; remember a stopped one, whose worker is still closing it."""
        result = trial.last_result or {}
        if result.get(STATUS) == "failed":
            mark_run(Path(trial.config[RUN_DIR]), "failed", result[ERROR])
        elif result.get(STATUS) == RUNNING:
            self._stopped.add(Path(trial.config[RUN_DIR]))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Mark a run whose worker was lost too often."""
        mark_run(Path(trial.config[RUN_DIR]), "failed", last_error(Path(trial.error_file)))

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        """Mark the runs that were stopped; their workers have closed them by now."""
        for run_dir in self._stopped:
            mark_run(run_dir, "stopped", None)


class EndCounter(tune.Callback):
    """Counts the trials that ended; after an interruption Ray's results do not say."""

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
