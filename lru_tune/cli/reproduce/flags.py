"""The flags of `reproduce.py`."""

import argparse
import math
import re
from pathlib import Path

from lru_tune.cli.flags import (
    add_data_root,
    add_overrides,
    add_resources,
    add_runs_root,
    add_trackers,
    command_parser,
)
from lru_tune.reproduction.scale import Scaled

PROG = "lru-tune reproduce"


def parser(prog: str = PROG) -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = command_parser(
        prog,
        "Run a table of Orvieto et al. 2023 again over fresh seeds and judge, with statistics, whether the "
        "results agree. After an interruption, the same command continues.",
    )
    _add_what(made.add_argument_group("what to reproduce"))
    _add_which(made.add_argument_group("which part of a table"))
    _add_scale(made.add_argument_group("at which scale"))
    _add_how(made.add_argument_group("how to start"))
    add_resources(made.add_argument_group("where to run"))
    files = made.add_argument_group("files and logs")
    add_trackers(files)
    add_data_root(files)
    add_runs_root(files)
    return made


def _add_what(what: argparse._ArgumentGroup) -> None:
    what.add_argument("--list", action="store_true", help="list tables, rows, columns and figures")
    what.add_argument(
        "--table",
        metavar="N",
        help="1 to 9, or online: learning online, by Zucchet et al. 2023",
    )
    what.add_argument("--figure", metavar="N", help="a small experiment of the paper, on the CPU")
    what.add_argument(
        "--audit",
        action="store_true",
        help="list where paper, minimal-LRU and this program differ, and why",
    )
    what.add_argument(
        "--from",
        metavar="RESULT",
        dest="origin",
        type=Path,
        help="repeat exactly the run that a result.json describes",
    )


def _add_which(which: argparse._ArgumentGroup) -> None:
    which.add_argument(
        "--rows", metavar="R,..", type=_names, default=[], help="names of rows, see --list"
    )
    which.add_argument(
        "--tasks", metavar="T,..", type=_names, default=[], help="names or aliases of tasks"
    )
    which.add_argument(
        "--seeds",
        metavar="N",
        type=int,
        help="runs of each cell (default: 3; with --quick 2, or 1 if there are many cells)",
    )
    which.add_argument(
        "--learning-rates",
        metavar="X,..",
        type=_numbers,
        default=[],
        help="grid to search instead of the table's own; a single number is used without a search",
    )
    add_overrides(which, "change a field of every recipe, which rules out a verdict")


def _add_scale(scale: argparse._ArgumentGroup) -> None:
    scale.add_argument(
        "--scale",
        metavar="paper|FRACTION",
        type=_scale,
        default="paper",
        help="share of the paper's optimiser steps; below 1 there is no verdict",
    )
    scale.add_argument(
        "--quick", action="store_true", help="small models and few examples; no verdict"
    )
    scale.add_argument(
        "--synthetic", action="store_true", help="tiny synthetic twins of the data; no verdict"
    )


def _add_how(how: argparse._ArgumentGroup) -> None:
    how.add_argument(
        "--dry-run", action="store_true", help="show cells, steps and hours; run nothing"
    )
    how.add_argument(
        "--render", action="store_true", help="write the table from the runs that exist"
    )
    how.add_argument(
        "--strict",
        action="store_true",
        help="exit with code 6 if a verdict is BELOW, with 5 if runs failed",
    )


def _names(text: str) -> list[str]:
    """Split at commas outside of brackets, so that `[0.9, 0.99]` stays one word."""
    return [name.strip() for name in re.split(r",(?![^\[(]*[\])])", text) if name.strip()]


def _numbers(text: str) -> list[float]:
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = [math.nan]
    if not all(0 < number < math.inf for number in numbers):
        raise argparse.ArgumentTypeError(f"expected positive numbers, got {text!r}")
    return numbers


def _scale(text: str) -> Scaled:
    if text == "paper":
        return "paper"
    try:
        fraction = float(text)
    except ValueError:
        fraction = 0.0
    if not 0 < fraction <= 1:
        raise argparse.ArgumentTypeError(
            f"expected paper or a number above 0 and up to 1, got {text!r}"
        )
    return "paper" if fraction == 1 else fraction
