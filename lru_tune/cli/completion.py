"""`lru-tune completion SHELL`: a script that completes commands, flags and names in a shell."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import shtab

from lru_tune.cli.commands import COMMANDS, parser_of
from lru_tune.cli.flags import command_parser
from lru_tune.config.variants import VARIANTS
from lru_tune.tasks import TASKS

PROG = "lru-tune completion"
SHELLS = ("bash", "zsh")
# What stands in the place of these arguments, by their names.
NAMES = {"task": tuple(TASKS), "tasks": tuple(TASKS), "variant": tuple(VARIANTS)}
FOLDERS = ("data_root", "runs_root", "resume", "experiment", "from_dir", "export_tsv")


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Print the script on stdout."""
    print(shtab.complete(_all_commands(), shell=parser(prog).parse_args(argv).shell))
    return 0


def parser(prog: str = PROG) -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = command_parser(
        prog,
        "Print a script that completes commands, flags, tasks and variants when you press Tab. In bash:  "
        'eval "$(lru-tune completion bash)"  in ~/.bashrc. In zsh:  '
        "lru-tune completion zsh > FOLDER/_lru-tune  with a FOLDER of $fpath.",
    )
    made.add_argument("shell", choices=SHELLS, help="which shell")
    return made


def _all_commands() -> argparse.ArgumentParser:
    """Return one parser of all commands, with what may stand in the place of each argument."""
    whole = command_parser("lru-tune", "Tune and reproduce linear recurrent networks.")
    commands = whole.add_subparsers(metavar="COMMAND")
    for name, command in COMMANDS.items():
        own = parser_of(name)
        _describe(own)
        commands.add_parser(name, parents=[own], add_help=False, help=command.summary)
    return whole


def _describe(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for nested in action.choices.values():
                _describe(nested)
        elif action.dest in NAMES:
            action.choices = NAMES[action.dest]
        elif action.dest in FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
