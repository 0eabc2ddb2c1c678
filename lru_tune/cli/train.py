"""`lru-tune train`: one run, without a search and without Ray."""

import argparse
import logging
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lru_tune.api.training import (
    TrainOptions,
    check_training,
    is_synthetic,
    load_configuration,
    new_run_folder,
    prepare_data,
    resumed_configuration,
    train_run,
)
from lru_tune.cli.flags import (
    add_data_root,
    add_overrides,
    add_runs_root,
    add_trackers,
    command_parser,
)
from lru_tune.config.schema import RunConfig
from lru_tune.errors import ConfigError, Interrupted
from lru_tune.files.paths import data_root, named_folder, runs_root
from lru_tune.system.worker_environment import become_worker

PROG = "lru-tune train"


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Run the command; the last line on stdout is the run directory.

    Raises:
      LruTuneError: `lru_tune.cli.guard` turns it into an exit code.
    """
    arguments = parser(prog).parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    options = TrainOptions(
        test=arguments.test,
        synthetic=arguments.synthetic,
        cpus=arguments.cpus,
        wandb=arguments.wandb,
        tensorboard=arguments.tensorboard,
        data_root=arguments.data_root,
    )
    resumed = None
    if arguments.resume is not None:
        resumed = named_folder(arguments.resume, runs_root(arguments.runs_root))
        options = replace(options, synthetic=options.synthetic or is_synthetic(resumed))
    config = _configuration(arguments, resumed)
    check_training(config, options, name=arguments.name, root=arguments.runs_root)
    become_worker()
    prepare_data(config, options)
    folder = resumed or new_run_folder(config, arguments.name, arguments.runs_root)
    try:
        train_run(config, folder, options)
    except KeyboardInterrupt:
        raise Interrupted("cli.interrupted", command=_resume_command(folder, options)) from None
    finally:
        print(folder, flush=True)
    return 0


def parser(prog: str = PROG) -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = command_parser(prog, "Train one configuration, without a search.")
    what = made.add_argument_group("what to train")
    what.add_argument(
        "--task", metavar="NAME", help="task; the base of its search space is trained"
    )
    what.add_argument(
        "--config", metavar="FILE", type=Path, help="best.yaml, config.yaml or a search space"
    )
    what.add_argument("--variant", metavar="NAME", help="another recurrence")
    add_overrides(what, "change a field of the configuration")
    what.add_argument(
        "--seed",
        metavar="S",
        type=int,
        help="random seed of initialisation, dropout and the order of examples",
    )
    what.add_argument(
        "--synthetic",
        action="store_true",
        help="a tiny synthetic twin of the data; results are marked as such",
    )
    how = made.add_argument_group("how to train")
    how.add_argument(
        "--test",
        action="store_true",
        help="evaluate the best parameters on the test split at the end",
    )
    how.add_argument(
        "--resume", metavar="DIR", type=Path, help="continue a run: its folder or its name"
    )
    how.add_argument("--name", metavar="NAME", help="name of the run directory")
    how.add_argument(
        "--cpus", metavar="N", type=int, help="cores to use on a CPU (default: all of them)"
    )
    files = made.add_argument_group("files and logs")
    add_trackers(files)
    add_data_root(files)
    add_runs_root(files)
    return made


def _configuration(arguments: argparse.Namespace, resumed: Path | None) -> RunConfig:
    changes = {
        "--task": arguments.task,
        "--variant": arguments.variant,
        "--config": arguments.config,
        "--seed": arguments.seed,
        "--set": arguments.overrides or None,
    }
    if resumed is not None:
        if given := [flag for flag, value in changes.items() if value is not None]:
            raise ConfigError("cli.resume-with-changes", flags=", ".join(given))
        return resumed_configuration(resumed)
    if arguments.config is None and arguments.task is None:
        raise ConfigError("cli.nothing-to-train")
    return load_configuration(
        arguments.task,
        config=arguments.config,
        variant=arguments.variant,
        overrides=arguments.overrides,
        seed=arguments.seed,
    )


def _resume_command(folder: Path, options: TrainOptions) -> str:
    words = ["lru-tune", "train", "--resume", str(folder)]
    words += ["--data-root", str(data_root(options.data_root))]
    words += ["--cpus", str(options.cpus)] if options.cpus else []
    words += ["--synthetic"] * options.synthetic + ["--test"] * options.test
    return shlex.join(words)
