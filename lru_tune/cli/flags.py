"""Flags that several commands share, each written once."""

import argparse
from typing import Any, Literal, Protocol, get_args

from lru_tune import __version__
from lru_tune.api.arguments import WandbMode
from lru_tune.search.ray.resources import ResourceRequest


class Flags(Protocol):
    """What flags are added to: a parser or a group of one."""

    def add_argument(self, *names: str, **options: Any) -> argparse.Action:
        """Add a flag."""


def command_parser(prog: str, description: str) -> argparse.ArgumentParser:
    """Return a command's parser, with `--version`."""
    made = argparse.ArgumentParser(prog=prog, description=description)
    made.add_argument("--version", action="version", version=f"lru-tune {__version__}")
    return made


def add_overrides(flags: Flags, help: str) -> None:
    """Add `--set`; `overrides` is a list of texts."""
    flags.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="overrides",
        help=f"{help}; may be repeated",
    )


def add_resources(flags: Flags) -> None:
    """Add the flags about trials on machines; `resource_request` reads all but the address."""
    flags.add_argument(
        "--gpus-per-trial",
        metavar="X",
        type=float,
        help="GPUs of each trial; a fraction shares a GPU between trials",
    )
    flags.add_argument("--cpus-per-trial", metavar="N", type=int, help="CPU cores of each trial")
    flags.add_argument(
        "--max-concurrent",
        metavar="N",
        type=int,
        help="trials that run at the same time; 1 makes a search repeatable",
    )
    flags.add_argument(
        "--lanes",
        metavar="N",
        type=lanes,
        help="trials of one shape that train side by side in one program, or auto",
    )
    flags.add_argument(
        "--address", metavar="ADDR", help="address of a running Ray cluster, or auto"
    )


def resource_request(arguments: argparse.Namespace) -> ResourceRequest:
    """Return the resources that were asked for."""
    return ResourceRequest(
        arguments.gpus_per_trial,
        arguments.cpus_per_trial,
        arguments.max_concurrent,
        arguments.lanes,
    )


def add_trackers(flags: Flags) -> None:
    """Add `--wandb` and `--tensorboard`."""
    flags.add_argument(
        "--wandb",
        choices=get_args(WandbMode),
        default="off",
        help="log to Weights & Biases (default: off)",
    )
    flags.add_argument(
        "--tensorboard",
        action="store_true",
        help="write TensorBoard event files into the run directories",
    )


def add_data_root(flags: Flags) -> None:
    """Add `--data-root`."""
    flags.add_argument(
        "--data-root",
        metavar="DIR",
        help="folder of prepared data (default: $LRU_TUNE_DATA or ./data)",
    )


def add_runs_root(flags: Flags) -> None:
    """Add `--runs-root`."""
    flags.add_argument(
        "--runs-root",
        metavar="DIR",
        help="folder of experiments (default: $LRU_TUNE_RUNS or ./runs)",
    )


def lanes(text: str) -> int | Literal["auto"]:
    """Return the value of `--lanes`.

    Raises:
      ArgumentTypeError: it is neither a whole number nor `auto`.
    """
    if text == "auto":
        return "auto"
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number or auto, got {text!r}")
    return int(text)
