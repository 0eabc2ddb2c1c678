"""From a configuration to a run that has trained: what `lru-tune train` and `lru_tune.train` do."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lru_tune.api.arguments import WandbMode, check_wandb
from lru_tune.api.console import print_message
from lru_tune.config.config_files import change_run_config, load_run_config
from lru_tune.config.schema import RunConfig
from lru_tune.data.manifest import tasks_folder
from lru_tune.errors import ConfigError
from lru_tune.files import run_directory as runs
from lru_tune.files.paths import (
    data_root,
    new_experiment_folder,
    require_folder_name,
    require_writable_runs,
    runs_root,
    search_space_file,
    timestamped,
)
from lru_tune.files.run_directory import CONFIG_FILE, Report, read_result
from lru_tune.ops.native.build import native_library
from lru_tune.system.worker_environment import prepare_process
from lru_tune.tasks import find_task


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How one run is trained. None of it changes the configuration.

    Attributes:
      test: whether to evaluate the best parameters on the test split at the end, once.
      synthetic: whether to train on the task's small synthetic twin.
      cpus: cores to use on a CPU; None for all of them.
      data_root: None for `$LRU_TUNE_DATA` or `./data`.
    """

    test: bool = False
    synthetic: bool = False
    cpus: int | None = None
    wandb: WandbMode = "off"
    tensorboard: bool = False
    data_root: str | Path | None = None

    @property
    def tasks(self) -> Path:
        """Folder of the prepared tasks."""
        return tasks_folder(data_root(self.data_root), synthetic=self.synthetic)


def load_configuration(
    task: str | None,
    *,
    config: str | Path | RunConfig | None = None,
    variant: str | None = None,
    overrides: Sequence[str] = (),
    seed: int | None = None,
) -> RunConfig:
    """Return a configuration or a file's, or the base of the task's search space, with changes.

    Raises:
      ConfigError: with every problem found.
    """
    changes = {"variant": variant, "seed": seed}
    given = [f"{key}={value}" for key, value in changes.items() if value is not None]
    changed = [*overrides, *given]
    if isinstance(config, RunConfig):
        return change_run_config(config, changed)
    path = config or search_space_file(find_task(task or "").name)
    found = load_run_config(path, overrides=changed)
    if task is not None and find_task(task).name != found.task:
        raise ConfigError("api.task-mismatch", task=task, file=str(path), found=found.task)
    return found


def resumed_configuration(folder: Path) -> RunConfig:
    """Return the configuration of a run that is to be resumed.

    Raises:
      ConfigError: the folder is no run directory.
    """
    if not (folder / CONFIG_FILE).is_file():
        raise ConfigError("api.not-a-run", folder=folder, missing=CONFIG_FILE)
    return load_run_config(folder / CONFIG_FILE)


def is_synthetic(folder: Path) -> bool:
    """Return whether a run that has ended says that its data were synthetic."""
    return bool((read_result(folder) or {}).get("data", {}).get("synthetic"))


def check_training(
    config: RunConfig,
    options: TrainOptions,
    *,
    name: str | None = None,
    root: str | Path | None = None,
) -> None:
    """Check what can be checked before data are prepared; build the C++ if the configuration names it.

    Raises:
      ConfigError: an option is wrong, or the runs root cannot be written.
    """
    check_wandb(options.wandb)
    if name is not None:
        require_folder_name(name)
    if options.cpus is not None and options.cpus < 1:
        raise ConfigError("api.too-small", name="--cpus", least=1, value=options.cpus)
    require_writable_runs(runs_root(root))
    if config.runtime.names_native:
        native_library()


def new_run_folder(config: RunConfig, name: str | None, root: str | Path | None) -> Path:
    """Create a folder for a new run."""
    return new_experiment_folder(runs_root(root), name or timestamped(config.task))


def prepare_data(config: RunConfig, options: TrainOptions) -> None:
    """Prepare the task's arrays if that needs no download.

    Raises:
      DataNotPrepared: the message holds the command that prepares them.
    """
    from data_prep import ensure_prepared

    prepared = ensure_prepared(
        config.task,
        data_root(options.data_root),
        synthetic=options.synthetic,
        reads=config.data.reads(),
        log=print_message,
    )
    if prepared.manifest.protocol_stamp:
        print_message(f"note: {prepared.manifest.protocol_stamp}")


def train_run(config: RunConfig, folder: Path, options: TrainOptions) -> None:
    """Train in this process to the end, one line a report on stderr, and evaluate the test split if asked.

    Continues what the folder holds. After KeyboardInterrupt the run can be resumed.

    Raises:
      Diverged: the loss or a gradient was not finite; result.json says so.
    """
    if "jax" not in sys.modules:  # it reads its settings once
        prepare_process(cpus=options.cpus or os.cpu_count() or 1, gpus=None)
    from lru_tune.training.loop import evaluate_test, train
    from lru_tune.training.trackers.tracker import TrackerSettings, make_trackers

    settings = TrackerSettings(options.wandb, options.tensorboard, group=folder.parent.name)
    trackers = make_trackers(settings)
    reports = train(config, data_root=options.tasks, run_dir=folder, trackers=trackers)
    try:
        for report in reports:
            print_message(_line(report))
    finally:
        reports.close()
    if options.test:
        metrics = evaluate_test(folder, data_root=options.tasks)
        print_message("  ".join(f"{name} {value:.4f}" for name, value in metrics.items()))


def _line(report: Report) -> str:
    metrics = report.metrics
    shown = (runs.TRAIN_LOSS, runs.VAL_LOSS, runs.VAL_ACCURACY)
    return "  ".join(
        [
            f"step {report.step:>7}",
            f"epoch {metrics[runs.EPOCH]:7.2f}",
            *(f"{name} {metrics[name]:.4f}" for name in shown),
            f"{metrics[runs.EXAMPLES_PER_SECOND]:.0f} examples/s",
            f"{metrics[runs.SECONDS]:.1f} s",
        ]
    )
