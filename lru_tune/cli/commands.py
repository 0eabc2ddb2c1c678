"""The commands of `lru-tune`, in the groups of `lru-tune --help`."""

import argparse
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NamedTuple

Main = Callable[[Sequence[str] | None], int]


class Entry(NamedTuple):
    """A command.

    Attributes:
      group: heading in `lru-tune --help`.
      module: has `main(argv) -> int` and `parser()`; imported when called, as some take seconds to import.
      summary: for `lru-tune --help`.
    """

    group: str
    module: str
    summary: str


SEARCH = "Search hyperparameters"
NETWORK = "Train and use one network"
PAPER = "Reproduce the paper"
DATA = "Prepare data"
LOOK_UP = "Look things up"

COMMANDS = {
    "tune": Entry(SEARCH, "lru_tune.cli.tune", "search, then confirm the best over fresh seeds"),
    "status": Entry(SEARCH, "lru_tune.cli.status", "show how a search or reproduction is going"),
    "report": Entry(SEARCH, "lru_tune.cli.report", "write an experiment's tables and reports"),
    "import-wandb": Entry(
        SEARCH, "lru_tune.cli.import_wandb", "turn a W&B sweep file into a search space"
    ),
    "train": Entry(NETWORK, "lru_tune.cli.train", "train one configuration, without a search"),
    "export": Entry(
        NETWORK, "lru_tune.cli.export", "export a trial with its parameters, or an Optuna study"
    ),
    "reproduce": Entry(
        PAPER,
        "lru_tune.cli.reproduce.command",
        "run the paper's tables and figures, with a verdict",
    ),
    "data": Entry(DATA, "lru_tune.cli.data", "list, prepare, verify and diagnose data sets"),
    "fields": Entry(
        LOOK_UP, "lru_tune.cli.fields", "list every field of a configuration and its meaning"
    ),
    "errors": Entry(LOOK_UP, "lru_tune.cli.errors", "explain an error and what to do about it"),
    "completion": Entry(
        LOOK_UP, "lru_tune.cli.completion", "print a completion script for a shell"
    ),
}


def main_of(command: str) -> Main:
    """Return the function that runs a command."""
    found: Main = import_module(COMMANDS[command].module).main
    return found


def parser_of(command: str) -> argparse.ArgumentParser:
    """Return a command's parser."""
    found: argparse.ArgumentParser = import_module(COMMANDS[command].module).parser()
    return found


def help_text() -> str:
    """Return the text of `lru-tune --help`."""
    width = max(map(len, COMMANDS))
    lines = ["usage: lru-tune COMMAND ...", "", "Tune and reproduce linear recurrent networks."]
    for group in dict.fromkeys(entry.group for entry in COMMANDS.values()):
        lines += ["", f"{group}:"]
        lines += [
            f"  {name:{width}}  {entry.summary}"
            for name, entry in COMMANDS.items()
            if entry.group == group
        ]
    lines += [
        "",
        "`lru-tune COMMAND --help` shows a command's flags, `lru-tune --version` the version.",
    ]
    return "\n".join([*lines, "In Python: `import lru_tune`, see docs/python.md."])
