"""`lru-tune train`: one run, without Ray."""

import argparse
import logging
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from lru_tune import __version__
from lru_tune.cli.console import say
from lru_tune.cli.tracking import check_wandb
from lru_tune.config.config_files import load_run_config
from lru_tune.config.schema import RunConfig
from lru_tune.data.manifest import tasks_folder
from lru_tune.errors import ConfigError, Interrupted
from lru_tune.files import run_directory as runs
from lru_tune.files.paths import (
    data_root,
    named_folder,
    new_experiment_folder,
    require_folder_name,
    require_writable_runs,
    runs_root,
    search_space_file,
    timestamped,
)
from lru_tune.files.run_directory import CONFIG_FILE, Report, read_result
from lru_tune.ops.native.build import native_library
from lru_tune.system.worker_environment import become_worker, prepare_process
from lru_tune.tasks import find_task

WANDB_MODES = ("off", "offline", "online")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the last line on stdout is the run directory.

    Raises:
      LruTuneError: as the work says; `lru_tune.cli.guard` turns it into an exit code.
    """
    arguments = parser().parse_args(argv)
    check_wandb(arguments.wandb)
    if arguments.name is not None:
        require_folder_name(arguments.name)
    if arguments.resume is not None:
        arguments.resume = named_folder(arguments.resume, runs_root(arguments.runs_root))
        ended = read_result(arguments.resume) or {}
        arguments.synthetic |= bool(ended.get("data", {}).get("synthetic"))
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    config = _configuration(arguments)
    if arguments.cpus is not None and arguments.cpus < 1:
        raise ConfigError(f"--cpus must be at least 1, got {arguments.cpus}")
    require_writable_runs(runs_root(arguments.runs_root))
    if config.runtime.names_native:
        native_library()
    become_worker()
    root = data_root(arguments.data_root)
    from data_prep import ensure_prepared

    prepared = ensure_prepared(
        config.task, root, synthetic=arguments.synthetic, reads=config.data.reads(), log=say
    )
    if prepared.manifest.protocol_stamp:
        say(f"note: {prepared.manifest.protocol_stamp}")
    root = tasks_folder(root, synthetic=arguments.synthetic)
    run_dir = _run_directory(arguments, config.task)
    try:
        _train(config, root, run_dir, arguments)
    except KeyboardInterrupt:
        words = ["lru-tune", "train", "--resume", str(run_dir)]
        words += ["--data-root", str(data_root(arguments.data_root))]
        words += ["--cpus", str(arguments.cpus)] if arguments.cpus else []
        words += [f"--{name}" for name in ("synthetic", "test") if getattr(arguments, name)]
        raise Interrupted(f"interrupted; go on with:  {shlex.join(words)}") from None
    finally:
        print(run_dir, flush=True)
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = argparse.ArgumentParser(
        prog="lru-tune train", description="Train one configuration, without a search."
    )
    made.add_argument("--version", action="version", version=f"lru-tune {__version__}")
    made.add_argument("--task", metavar="NAME", help="the task; its search space's base is trained")
    made.add_argument(
        "--config", metavar="FILE", type=Path, help="best.yaml, config.yaml or a search space"
    )
    made.add_argument("--variant", metavar="NAME", help="another recurrence")
    made.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[], dest="overrides", help="repeats"
    )
    made.add_argument("--seed", metavar="S", type=int)
    made.add_argument(
        "--test", action="store_true", help="read the test split once, with the best parameters"
    )
    made.add_argument(
        "--resume", metavar="DIR", type=Path, help="go on with a run; its folder or name"
    )
    made.add_argument("--name", metavar="NAME", help="of the run directory")
    made.add_argument(
        "--cpus", metavar="N", type=int, help="cores to use on a CPU; default all of them"
    )
    made.add_argument("--synthetic", action="store_true", help="the task's tiny synthetic twin")
    made.add_argument("--wandb", choices=WANDB_MODES, default="off")
    made.add_argument("--tensorboard", action="store_true")
    made.add_argument("--data-root", metavar="DIR", type=Path)
    made.add_argument("--runs-root", metavar="DIR", type=Path)
    return made


def _configuration(arguments: argparse.Namespace) -> RunConfig:
    """Read what to train: a run's own configuration, a file, or the base of a task's space."""
    if arguments.resume is not None:
        others = (arguments.task, arguments.variant, arguments.config, arguments.seed)
        if arguments.overrides or any(other is not None for other in others):
            raise ConfigError("--resume goes on with the same configuration; leave the others out")
        path = arguments.resume / CONFIG_FILE
        if not path.is_file():
            raise ConfigError(f"{arguments.resume} is no run directory: it has no {CONFIG_FILE}")
        return load_run_config(path)
    if arguments.config is None and arguments.task is None:
        raise ConfigError("say what to train: --task NAME, --config FILE or --resume DIR")
    overrides = list(arguments.overrides)
    if arguments.variant is not None:
        overrides.append(f"variant={arguments.variant}")
    if arguments.seed is not None:
        overrides.append(f"seed={arguments.seed}")
    path = arguments.config or search_space_file(find_task(arguments.task).name)
    config = load_run_config(path, overrides=overrides)
    if arguments.task is not None and find_task(arguments.task).name != config.task:
        raise ConfigError(f"--task {arguments.task}, but {path} is for task {config.task}")
    return config


def _run_directory(arguments: argparse.Namespace, task: str) -> Path:
    if arguments.resume is not None:
        return Path(arguments.resume)
    name = arguments.name or timestamped(task)
    return new_experiment_folder(runs_root(arguments.runs_root), name)


def _train(config: RunConfig, root: Path, run_dir: Path, arguments: argparse.Namespace) -> None:
    """Train to the end, a line a report on stderr; then the test split if asked for."""
    prepare_process(cpus=arguments.cpus or os.cpu_count() or 1, gpus=None)
    from lru_tune.training.loop import evaluate_test, train
    from lru_tune.training.trackers.tracker import TrackerSettings, make_trackers

    settings = TrackerSettings(arguments.wandb, arguments.tensorboard, group=run_dir.parent.name)
    reports = train(config, data_root=root, run_dir=run_dir, trackers=make_trackers(settings))
    try:
        for report in reports:
            say(_line(report))
    finally:
        reports.close()
    if arguments.test:
        metrics = evaluate_test(run_dir, data_root=root)
        say("  ".join(f"{name} {value:.4f}" for name, value in metrics.items()))


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
