"""An experiment: the search, its confirmation, and the way back into one that was interrupted.

Resuming is running again: the journal is read back, unfinished trials go on in their own directories,
and whatever is done is not done twice.
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
from lru_tune.files.folder_lock import sole_process
from lru_tune.files.run_directory import BEST_OF, Mode
from lru_tune.results.writing.experiment_tables import write_tables
from lru_tune.search.confirm import confirmation_jobs, ended_rows
from lru_tune.search.exports.study_copy import StudyMirror
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
    """How an experiment is run; none of it changes what is found.

    Attributes:
      address: of a running Ray cluster, or `auto`; None: a cluster of the experiment's own.
      confirm: whether the confirmation follows the search.
      wandb, tensorboard: trackers of the trials.
      training: module with `train` and `evaluate_test`.
      flags: the same as on the command line, for the command that goes on.
    """

    address: str | None = None
    resources: ResourceRequest = field(default_factory=ResourceRequest)
    confirm: bool = True
    wandb: Literal["off", "offline", "online"] = "off"
    tensorboard: bool = False
    training: str = TRAINING
    flags: tuple[str, ...] = ()


def create_experiment(space: SearchSpace, folder: Path, task: PreparedTask) -> None:
    """Write what identifies an experiment into its new folder: space.yaml and experiment.json."""
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
    """Search and confirm, from wherever the experiment stands; return a summary in a few lines.

    Args:
      space: the experiment's own, or one that extends it.
      folder: absolute; made by `create_experiment`.
      task: the prepared task; the same data as when the experiment was created.
      options: how it is run.

    Raises:
      Interrupted: SIGINT, SIGTERM or SIGHUP; the text holds the command that goes on.
      NoTrialSucceeded: every trial diverged or failed.
      ResourcesMissing: the machine or cluster is too small.
      Occupied: another process runs this experiment.
      ConfigError: the plan makes no sense.
      DataDamaged: the data are not those the experiment began with.
    """
    record = read_experiment(folder)
    if record["data"]["fingerprint"] != task.manifest.fingerprint:
        raise DataDamaged(
            f"{task.folder} holds other data ({task.manifest.fingerprint}) than {folder.name} began with "
            f"({record['data']['fingerprint']}); point --data-root at those"
        )
    begun, status = time.monotonic(), "interrupted"
    with sole_process(folder):
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
                f"{error or 'interrupted'}. Go on with:  {resume_command(folder, options.flags)}"
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
    """Run the trials of a plan that have not ended yet, in the Ray cluster this process is connected to.

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
                StudyMirror(journal, space, folder),
                progress,
            ],
        )
    if not any(trial.status in ("completed", "stopped") for trial in journal.trials.values()):
        raise NoTrialSucceeded(f"none of {len(journal.trials)} trials succeeded; see {folder}")


def confirm(plan: Plan, folder: Path, worker: WorkerSettings) -> None:
    """Run the confirmation of a finished search, as far as it is not done.

    Raises:
      Interrupted: as `run_experiment`.
    """
    jobs = confirmation_jobs(folder, plan.space)
    progress = Progress(
        "confirmation",
        total=len(jobs),
        steps=len(jobs) * plan.stopping.horizon,
        metric=worker.metric,
        mode=worker.mode,
        rows=ended_rows(jobs, worker.metric),
    )
    run_all(
        jobs,
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
    """Return the device that the runs name, "a + b" where they differ, None before any ended."""
    results = (runs.read_result(run) for run in sorted((folder / TRIALS_FOLDER).glob("*")))
    names = {result["device"] for result in results if result and "device" in result}
    return " + ".join(sorted(names)) or None
