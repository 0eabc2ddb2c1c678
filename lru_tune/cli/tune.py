"""`tune.py`, `lru-tune tune`: search hyperparameters and confirm the best over fresh seeds."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from lru_tune.api.arguments import find_experiment
from lru_tune.api.console import print_message
from lru_tune.api.searching import (
    Search,
    SearchOptions,
    build_native,
    check_options,
    create_search,
    load_space,
    reopen_search,
    run_search,
)
from lru_tune.cli.flags import (
    add_data_root,
    add_overrides,
    add_resources,
    add_runs_root,
    add_trackers,
    command_parser,
)
from lru_tune.data.manifest import tasks_folder
from lru_tune.errors import ConfigError
from lru_tune.files.experiment_folder import SPACE_FILE
from lru_tune.files.paths import data_root
from lru_tune.search.ray.resources import this_machine
from lru_tune.space.space import SearchSpace
from lru_tune.tasks import find_task

PROG = "lru-tune tune"


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Run the command; the last line on stdout is the experiment's folder.

    Raises:
      LruTuneError: `lru_tune.cli.guard` turns it into an exit code.
    """
    arguments = parser(prog).parse_args(argv)
    options = _options(arguments)
    check_options(options, arguments.name)
    if arguments.resume is not None:
        folder = find_experiment(arguments.resume, arguments.runs_root)
        search = reopen_search(folder, _load_space(arguments, folder / SPACE_FILE), options)
        if arguments.dry_run:
            return _print_plan(search.space, search.task.manifest.counts["train"], options)
        build_native(search.space, options)
        return _run(search, options)
    if arguments.task is None and arguments.space is None:
        raise ConfigError("cli.nothing-to-tune")
    space = _load_space(arguments)
    if arguments.dry_run:
        return _dry_run(space, options, synthetic=arguments.synthetic)
    search = create_search(
        space,
        options,
        name=arguments.name,
        synthetic=arguments.synthetic,
        root=arguments.runs_root,
    )
    return _run(search, options)


def parser(prog: str = PROG) -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = command_parser(
        prog,
        "Search hyperparameters with Ray Tune, then train the best configurations again over fresh seeds. "
        "Runs on every visible GPU, or on the CPU's cores.",
    )
    what = made.add_argument_group("what to search")
    what.add_argument("--task", metavar="NAME", help="task, with its own search space")
    what.add_argument("--space", metavar="FILE", type=Path, help="search space of your own")
    what.add_argument("--variant", metavar="NAME", help="another recurrence than the space's")
    add_overrides(
        what, "fix a field, replace a domain (search.FIELD={..}) or change a setting (tune.SETTING)"
    )
    what.add_argument("--trials", metavar="N", type=int, help="how many configurations to try")
    what.add_argument("--seed", metavar="S", type=int, help="random seed of the searcher")
    what.add_argument(
        "--quick", action="store_true", help="the space's small version: minutes on two cores"
    )
    what.add_argument(
        "--synthetic",
        action="store_true",
        help="a tiny synthetic twin of the data; results are marked as such",
    )
    start = made.add_argument_group("how to start")
    start.add_argument("--name", metavar="NAME", help="name of the experiment's folder")
    start.add_argument(
        "--dry-run", action="store_true", help="check, plan and estimate; change nothing"
    )
    start.add_argument(
        "--resume",
        metavar="DIR",
        help="continue an experiment: its folder, its name, or last for the newest one",
    )
    start.add_argument("--no-confirm", action="store_true", help="stop after the search")
    add_resources(made.add_argument_group("where to run"))
    files = made.add_argument_group("files and logs")
    add_trackers(files)
    add_data_root(files)
    add_runs_root(files)
    return made


def _options(arguments: argparse.Namespace) -> SearchOptions:
    return SearchOptions(
        gpus_per_trial=arguments.gpus_per_trial,
        cpus_per_trial=arguments.cpus_per_trial,
        max_concurrent=arguments.max_concurrent,
        lanes=arguments.lanes,
        address=arguments.address,
        confirm=not arguments.no_confirm,
        wandb=arguments.wandb,
        tensorboard=arguments.tensorboard,
        data_root=arguments.data_root,
    )


def _load_space(arguments: argparse.Namespace, default: Path | None = None) -> SearchSpace:
    """Return the search space of the arguments, that of `default` if they name none."""
    space = load_space(
        arguments.space or default or arguments.task,
        variant=arguments.variant,
        overrides=arguments.overrides,
        trials=arguments.trials,
        seed=arguments.seed,
        quick=arguments.quick,
    )
    if arguments.task is not None and find_task(arguments.task).name != space.task:
        raise ConfigError(
            "api.task-mismatch", task=arguments.task, file=str(space.path), found=space.task
        )
    return space


def _run(search: Search, options: SearchOptions) -> int:
    try:
        run_search(search, options)
    finally:
        print(search.folder, flush=True)
    return 0


def _dry_run(space: SearchSpace, options: SearchOptions, *, synthetic: bool) -> int:
    from data_prep import expected_counts

    root = data_root(options.data_root)
    counts = expected_counts(space.task, root, synthetic=synthetic, reads=space.reads())
    folder = tasks_folder(root, synthetic=synthetic) / space.task
    state = "in" if folder.is_dir() else "will be prepared in"
    sizes = ", ".join(f"{n:,} {split}" for split, n in counts.items())
    print_message(f"data          {state} {folder}: {sizes}")
    return _print_plan(space, counts["train"], options)


def _print_plan(space: SearchSpace, train_examples: int, options: SearchOptions) -> int:
    """Print the plan; the last line on stdout is the search space's file."""
    from lru_tune.search.plan import make_plan

    plan = make_plan(
        space,
        this_machine(),
        options.resources,
        train_examples=train_examples,
        confirm=options.confirm,
    )
    for line in plan.lines():
        print_message(line)
    print(space.path)
    return 0
