"""`tune.py`, `lru-tune tune`: search hyperparameters and confirm the best over seeds."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from lru_tune import __version__
from lru_tune.cli.console import say
from lru_tune.cli.lanes import lanes
from lru_tune.cli.tracking import check_wandb
from lru_tune.data.manifest import tasks_folder
from lru_tune.data.store import PreparedTask, open_task
from lru_tune.errors import ConfigError
from lru_tune.files.experiment_folder import SPACE_FILE, read_experiment
from lru_tune.files.paths import (
    data_root,
    named_folder,
    new_experiment_folder,
    require_folder_name,
    require_writable_runs,
    runs_root,
    timestamped,
)
from lru_tune.ops.native.build import native_library
from lru_tune.search.ray.resources import ResourceRequest, this_machine
from lru_tune.search.record import newest_experiment
from lru_tune.search.resume_rules import check_extension
from lru_tune.space.space import SearchSpace
from lru_tune.tasks import find_task

LAST = "last"
WANDB_MODES = ("off", "offline", "online")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the last line on stdout is the experiment's folder.

    Raises:
      LruTuneError: as the work says; `lru_tune.cli.guard` turns it into an exit code.
    """
    arguments = parser().parse_args(argv)
    check_wandb(arguments.wandb)
    if arguments.name is not None:
        require_folder_name(arguments.name)
    if arguments.resume is not None:
        return _resume(arguments)
    if arguments.task is None and arguments.space is None:
        raise ConfigError("say what to tune: --task NAME, --space FILE or --resume DIR")
    space = _load_space(arguments)
    return _dry_run(space, arguments) if arguments.dry_run else _start(space, arguments)


def parser() -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = argparse.ArgumentParser(
        prog="tune.py",
        description="Search hyperparameters with Ray Tune, then confirm the best over fresh seeds. "
        "Runs on every visible GPU, or on the CPU's cores.",
    )
    made.add_argument("--version", action="version", version=f"lru-tune {__version__}")
    _add_what(made)
    _add_how(made)
    return made


def _add_what(made: argparse.ArgumentParser) -> None:
    what = made.add_argument_group("what is searched")
    what.add_argument("--task", metavar="NAME", help="task whose search space is taken")
    what.add_argument("--space", metavar="FILE", type=Path, help="another search space")
    what.add_argument("--variant", metavar="NAME", help="another recurrence than the space's")
    what.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="overrides",
        help="fix a field, replace a domain (search.KEY) or a setting (tune.KEY); repeats",
    )
    what.add_argument("--trials", metavar="N", type=int, help="how many configurations are tried")
    what.add_argument("--seed", metavar="S", type=int, help="of the searcher")
    what.add_argument(
        "--quick", action="store_true", help="the space's small version, minutes on two cores"
    )
    what.add_argument(
        "--synthetic", action="store_true", help="the task's tiny synthetic twin; never a verdict"
    )


def _add_how(made: argparse.ArgumentParser) -> None:
    how = made.add_argument_group("how it is run")
    how.add_argument("--name", metavar="NAME", help="of the experiment's folder")
    how.add_argument("--dry-run", action="store_true", help="check, plan, estimate; touch nothing")
    how.add_argument(
        "--resume", metavar="DIR", help="go on with an experiment; its folder, its name or `last`"
    )
    how.add_argument("--no-confirm", action="store_true", help="stop after the search")
    how.add_argument("--gpus-per-trial", metavar="X", type=float, help="a fraction shares a GPU")
    how.add_argument("--cpus-per-trial", metavar="N", type=int)
    how.add_argument(
        "--max-concurrent",
        metavar="N",
        type=int,
        help="trials at a time; 1 makes a search repeatable",
    )
    how.add_argument(
        "--lanes",
        metavar="N",
        type=lanes,
        help="trials trained side by side on one device, or auto",
    )
    how.add_argument("--address", metavar="ADDR", help="of a running Ray cluster, or auto")
    how.add_argument("--wandb", choices=WANDB_MODES, default="off", help="Weights & Biases")
    how.add_argument(
        "--tensorboard", action="store_true", help="event files in the run directories"
    )
    how.add_argument("--data-root", metavar="DIR", help="default $LRU_TUNE_DATA or ./data")
    how.add_argument("--runs-root", metavar="DIR", help="default $LRU_TUNE_RUNS or ./runs")


def _load_space(arguments: argparse.Namespace, default: Path | None = None) -> SearchSpace:
    """Return the search space the arguments describe, `default` where they name none."""
    settings = {"tune.trials": arguments.trials, "tune.searcher.seed": arguments.seed}
    overrides = [f"{key}={value}" for key, value in settings.items() if value is not None]
    space = SearchSpace.load(
        arguments.space or default or arguments.task,
        variant=arguments.variant,
        overrides=[*arguments.overrides, *overrides],
        scale="quick" if arguments.quick else "full",
    )
    if arguments.task is not None and find_task(arguments.task).name != space.task:
        raise ConfigError(f"--task {arguments.task}, but the space is for {space.task}")
    return space


def _resource_request(arguments: argparse.Namespace) -> ResourceRequest:
    return ResourceRequest(
        arguments.gpus_per_trial,
        arguments.cpus_per_trial,
        arguments.max_concurrent,
        arguments.lanes,
    )


def _flags(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the flags that say how an experiment is run, as they were given."""
    values = {
        "--gpus-per-trial": arguments.gpus_per_trial,
        "--cpus-per-trial": arguments.cpus_per_trial,
        "--max-concurrent": arguments.max_concurrent,
        "--lanes": arguments.lanes,
        "--address": arguments.address,
        "--wandb": None if arguments.wandb == "off" else arguments.wandb,
        "--data-root": arguments.data_root and data_root(arguments.data_root),
    }
    given = [part for flag, x in values.items() if x is not None for part in (flag, str(x))]
    given += ["--tensorboard"] * arguments.tensorboard + ["--no-confirm"] * arguments.no_confirm
    return tuple(given)


def _start(space: SearchSpace, arguments: argparse.Namespace) -> int:
    # Ray, Optuna and pandas take seconds to import, too long for `--help` and for a mistyped flag.
    from data_prep import ensure_prepared
    from lru_tune.search.experiment import create_experiment
    from lru_tune.search.plan import make_plan

    root, runs = data_root(arguments.data_root), runs_root(arguments.runs_root)
    require_writable_runs(runs)
    _demand_native(space, arguments)
    task = ensure_prepared(
        space.task, root, synthetic=arguments.synthetic, reads=space.reads(), log=say
    )
    # A plan that does not fit is refused before anything is begun. Of clusters and GPUs Ray knows more.
    if arguments.address is None and not arguments.gpus_per_trial:
        make_plan(
            space,
            this_machine(),
            _resource_request(arguments),
            train_examples=task.manifest.counts["train"],
        )
    name = arguments.name or timestamped(space.task)
    folder = new_experiment_folder(runs, name)
    create_experiment(space, folder, task)
    return _run(space, folder, task, arguments)


def _resume(arguments: argparse.Namespace) -> int:
    """Go on with an experiment, or beyond it, if the arguments do not describe another search."""
    folder = _experiment(arguments.resume, runs_root(arguments.runs_root))
    record = read_experiment(folder)
    space = _load_space(arguments, default=folder / SPACE_FILE)
    check_extension(folder, SearchSpace.load(folder / SPACE_FILE), space)
    root = Path(record["data_root"])
    if arguments.data_root:  # the arrays have moved
        root = tasks_folder(data_root(arguments.data_root), synthetic=record["synthetic"])
    task = open_task(space.task, root)
    if arguments.dry_run:
        return _show(space, task.manifest.counts["train"], arguments)
    _demand_native(space, arguments)
    return _run(space, folder, task, arguments)


def _demand_native(space: SearchSpace, arguments: argparse.Namespace) -> None:
    """Build the C++ before the trials need it; in a cluster each machine does so itself."""
    if arguments.address is not None or not space.realise({}).runtime.names_native:
        return
    if this_machine().gpus and arguments.gpus_per_trial != 0:
        raise ConfigError(
            "native back ends run on a CPU, and this would train on another device. "
            "Say --set runtime.block=auto --set runtime.scan=auto, or --gpus-per-trial 0"
        )
    native_library()


def _run(
    space: SearchSpace, folder: Path, task: PreparedTask, arguments: argparse.Namespace
) -> int:
    from lru_tune.search.experiment import Options, run_experiment

    options = Options(
        address=arguments.address,
        resources=_resource_request(arguments),
        confirm=not arguments.no_confirm,
        wandb=arguments.wandb,
        tensorboard=arguments.tensorboard,
        flags=_flags(arguments),
    )
    for note in space.notes:
        say(f"note: {note}")
    if task.manifest.protocol_stamp:
        say(f"note: {task.manifest.protocol_stamp}")
    say(f"experiment {folder}")
    try:
        say(run_experiment(space, folder, task, options))
    finally:
        print(folder, flush=True)
    return 0


def _dry_run(space: SearchSpace, arguments: argparse.Namespace) -> int:
    from data_prep import expected_counts

    root = data_root(arguments.data_root)
    counts = expected_counts(space.task, root, synthetic=arguments.synthetic, reads=space.reads())
    place = tasks_folder(root, synthetic=arguments.synthetic) / space.task
    state = "in" if place.is_dir() else "will be prepared in"
    say(f"data          {state} {place}: {', '.join(f'{n:,} {s}' for s, n in counts.items())}")
    return _show(space, counts["train"], arguments)


def _show(space: SearchSpace, train_examples: int, arguments: argparse.Namespace) -> int:
    """Print the plan; the last line on stdout is the search space's file."""
    from lru_tune.search.plan import make_plan

    plan = make_plan(
        space,
        this_machine(),
        _resource_request(arguments),
        train_examples=train_examples,
        confirm=not arguments.no_confirm,
    )
    for line in plan.lines():
        say(line)
    print(space.path)
    return 0


def _experiment(given: str, root: Path) -> Path:
    """Return an experiment's folder: the one given, by its name, or the newest under the runs root.

    Raises:
      ConfigError: there is none.
    """
    if given != LAST:
        return named_folder(given, root)
    newest = newest_experiment(root)
    if newest is None:
        raise ConfigError(f"there is no experiment in {root}")
    return newest
