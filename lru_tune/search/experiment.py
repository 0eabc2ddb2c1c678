"""An experiment: a search and its confirmation, new or resumed.

A resumed experiment runs the same code as a new one: the journal is replayed, unfinished trials continue in
their run directories, and nothing that is done is done twice.
"""

import os
import platform
import shlex
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lru_tune.data.store import PreparedTask
from lru_tune.errors import DataDamaged, Interrupted, NoTrialSucceeded
from lru_tune.files import run_directory as runs
from lru_tune.files.atomic import write_atomically
from lru_tune.files.experiment_folder import SPACE_FILE, TRIALS_FOLDER, read_experiment
from lru_tune.files.folder_lock import lock_folder
from lru_tune.files.run_directory import BEST_OF, Mode
from lru_tune.results.writing.experiment_tables import write_tables
from lru_tune.search.confirm import confirmation_runs, ended_rows
from lru_tune.search.exports.study_copy import StudyCopier
from lru_tune.search.plan import Plan, make_plan
from lru_tune.search.progress import Progress, Row
from lru_tune.search.ray.cluster import ray_cluster
from lru_tune.search.ray.recorder import Recorder, mark_runs
from lru_tune.search.ray.resources import ResourceRequest
from lru_tune.search.ray.run_trials import run_all, run_trials
from lru_tune.search.ray.scheduler_adapter import SchedulerAdapter, hyperband
from lru_tune.search.ray.searcher_adapter import SearcherAdapter
from lru_tune.search.ray.trainable import WorkerSettings
from lru_tune.search.ray.trial_keys import trial_config
from lru_tune.search.record import resume_command, update_record, write_record
from lru_tune.search.strategy import journal as journals
from lru_tune.search.strategy.journal import Journal
from lru_tune.search.strategy.replay import replay
from lru_tune.search.strategy.schedulers import SCHEDULERS, Scheduler
from lru_tune.search.strategy.searchers import SpaceSearcher
from lru_tune.space.space import SearchSpace

TRAINING = WorkerSettings.training


@dataclass(frozen=True)
class Options:
    """How an experiment is run. Results do not depend on it.

    Attributes:
      address: of a running Ray cluster, or `auto`; None starts a cluster for the experiment.
      resources: those requested on the command line.
      confirm: whether the confirmation follows the search.
      wandb, tensorboard: trackers of the trials.
      training: module with `train` and `evaluate_test`.
      flags: the same as on the command line, for the command that resumes the experiment.
    """

    address: str | None = None
    resources: ResourceRequest = field(default_factory=ResourceRequest)
    confirm: bool = True
    wandb: Literal["off", "offline", "online"] = "off"
    tensorboard: bool = False
    training: str = TRAINING
    flags: tuple[str, ...] = ()


def create_experiment(space: SearchSpace, folder: Path, task: PreparedTask) -> None:
    """Write space.yaml and experiment.json into the folder of a new experiment."""
    write_atomically(folder / SPACE_FILE, space.to_yaml())
    manifest = task.manifest
    write_record(
        folder,
        status="running",
        command=shlex.join(sys.argv),
        task=space.task,
        variant=space.variant,
        scale=space.scale,
        synthetic=manifest.synthetic,
        metric=space.tune.metric,
        mode=space.tune.mode,
        seeds={"searcher": space.tune.searcher.seed, "training": space.realise({}).seed},
        data={
            "fingerprint": manifest.fingerprint,
            "chance": manifest.chance,
            "counts": manifest.counts,
            "protocol": manifest.protocol,
        },
        data_root=str(task.folder.parent),
        seconds=0.0,
    )


def run_experiment(
    space: SearchSpace,
    folder: Path,
    task: PreparedTask,
    options: Options,
) -> str:
    """Run an experiment, or what is left of it; return a summary of a few lines.

    Args:
      space: that of the experiment, or an extension of it (`check_extension`).
      folder: absolute, filled by `create_experiment`.
      task: the prepared task, with the same data as when the experiment was created.
      options: how to run it.

    Raises:
      Interrupted: SIGINT, SIGTERM or SIGHUP arrived; the message holds the command that resumes.
      NoTrialSucceeded: every trial diverged or failed.
      ResourcesMissing: the machine or the cluster is too small.
      Occupied: another process runs this experiment.
      ConfigError: the settings do not fit together.
      DataDamaged: the data differ from those the experiment began with.
    """
    record = read_experiment(folder)
    if record["data"]["fingerprint"] != task.manifest.fingerprint:
        raise DataDamaged(
            "search.other-data",
            folder=task.folder,
            found=task.manifest.fingerprint,
            experiment=folder.name,
            expected=record["data"]["fingerprint"],
        )
    begun, status = time.monotonic(), "interrupted"
    with lock_folder(folder):
        process = {"pid": os.getpid(), "host": platform.node()}
        update_record(folder, status="running", process=process, flags=options.flags)
        if SearchSpace.load(folder / SPACE_FILE) != space:
            write_atomically(folder / SPACE_FILE, space.to_yaml())
        try:
            _stages(space, folder, task, options)
            status = "completed"
        except NoTrialSucceeded:
            status = "completed"
            raise
        except (KeyboardInterrupt, Interrupted) as error:
            raise Interrupted(
                "search.interrupted",
                cause=str(error) or "interrupted",
                command=resume_command(folder, options.flags),
            ) from error
        finally:
            seconds = record["seconds"] + time.monotonic() - begun
            update_record(folder, status=status, seconds=seconds, device=_device(folder))
            written = write_tables(folder)
    return written.summary


def _stages(
    space: SearchSpace,
    folder: Path,
    task: PreparedTask,
    options: Options,
) -> None:
    with ray_cluster(options.address) as machine:
        plan = make_plan(
            space,
            machine,
            options.resources,
            train_examples=task.manifest.counts["train"],
            confirm=options.confirm,
        )
        update_record(
            folder,
            plan={
                "trials": plan.trials,
                "steps": plan.steps,
                "horizon": plan.stopping.horizon,
                "confirm_runs": plan.confirm_runs,
                "at_once": plan.allocation.concurrent,
                "places": plan.allocation.servers or plan.allocation.concurrent,
                "share": plan.allocation.gpus or plan.allocation.cpus,
            },
        )
        worker = WorkerSettings(
            data_root=str(task.folder.parent),
            metric=space.tune.metric,
            mode=space.tune.mode,
            cpus=plan.allocation.cpus,
            gpus=plan.allocation.gpus,
            training=options.training,
            wandb=options.wandb,
            tensorboard=options.tensorboard,
            group=folder.name,
        )
        search(plan, folder, worker)
        write_tables(folder)
        if options.confirm:
            confirm(plan, folder, worker)


def search(plan: Plan, folder: Path, worker: WorkerSettings) -> None:
    """Run the unfinished trials of a plan in the Ray cluster that this process is connected to.

    Raises:
      Interrupted, NoTrialSucceeded: as `run_experiment`.
    """
    space = plan.space
    trials_dir = folder / TRIALS_FOLDER
    trials_dir.mkdir(exist_ok=True)
    journal = Journal(folder / journals.FILE)
    searcher = SpaceSearcher(space, journal)
    kind, metric = space.tune.scheduler.kind, space.tune.metric
    scheduler = None if kind == "hyperband" else Scheduler(SCHEDULERS[kind](plan.stopping))
    again = replay(journal, searcher, scheduler)
    mark_runs(journal, trials_dir)
    count = again + max(0, plan.trials - len(journal.trials))
    if len(journal.unfinished()) + plan.trials - len(journal.trials) > 0:
        progress = Progress(
            "search",
            total=plan.trials,
            steps=plan.steps,
            metric=metric,
            mode=space.tune.mode,
            fields=tuple(space.domains),
            rows=_rows(journal, space.tune.mode),
        )

        def suggest() -> dict[str, Any]:
            trial = searcher.suggest()
            run_dir = trials_dir / trial.run
            return trial_config(trial.number, space.realise(trial.sample), run_dir)

        run_trials(
            SearcherAdapter(suggest, metric, space.tune.mode),
            SchedulerAdapter({"": scheduler}, metric) if scheduler else hyperband(plan.stopping),
            count=count,
            allocation=plan.allocation,
            worker=worker,
            example=plan.example,
            experiment=folder,
            callbacks=[
                Recorder(journal, searcher, trials_dir, metric),
                StudyCopier(journal, space, folder),
                progress,
            ],
        )
    if not any(trial.status in ("completed", "stopped") for trial in journal.trials.values()):
        raise NoTrialSucceeded(
            "search.no-trial-succeeded", count=len(journal.trials), folder=folder
        )


def confirm(plan: Plan, folder: Path, worker: WorkerSettings) -> None:
    """Run the runs of a confirmation that are not done yet.

    Raises:
      Interrupted: as `run_experiment`.
    """
    planned = confirmation_runs(folder, plan.space)
    progress = Progress(
        "confirmation",
        total=len(planned),
        steps=len(planned) * plan.stopping.horizon,
        metric=worker.metric,
        mode=worker.mode,
        rows=ended_rows(planned, worker.metric),
    )
    run_all(
        planned,
        allocation=plan.allocation,
        worker=worker,
        experiment=folder,
        callbacks=[progress],
    )


def _rows(journal: Journal, mode: Mode) -> dict[str, Row]:
    best = BEST_OF[mode]
    return {
        trial.run: Row(
            step=trial.step,
            value=trial.values[trial.step],
            best=best(trial.values.values()),
            status=trial.status,
        )
        for trial in journal.trials.values()
        if trial.ended and trial.values
    }


def _device(folder: Path) -> str | None:
    """Return the device that the runs name, "a + b" if they differ, None before any has ended."""
    results = (runs.read_result(run) for run in sorted((folder / TRIALS_FOLDER).glob("*")))
    names = {result["device"] for result in results if result and "device" in result}
    return " + ".join(sorted(names)) or None
