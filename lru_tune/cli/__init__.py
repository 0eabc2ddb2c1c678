"""`lru-tune COMMAND`, and the one place where an error becomes an exit code."""

import errno
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from lru_tune import __version__
from lru_tune.data.disk import DISK_FULL
from lru_tune.errors import Interrupted, LruTuneError, Problem, ResourcesMissing, did_you_mean
from lru_tune.system.signals import ended_by_reader, ended_by_request

Command = Callable[[Sequence[str] | None], int]


class Entry(NamedTuple):
    """A command of `lru-tune`.

    Attributes:
      module: has `main(argv) -> int` and `parser()`; imported when called, as some take seconds to import.
      summary: for `lru-tune --help`.
    """

    module: str
    summary: str


COMMANDS = {
    "tune": Entry("lru_tune.cli.tune", "search hyperparameters for a task"),
    "reproduce": Entry(
        "lru_tune.cli.reproduce.command", "run the paper's tables and figures again, with a verdict"
    ),
    "train": Entry("lru_tune.cli.train", "one run, without a search"),
    "data": Entry("data_prep.cli", "list, prepare, verify and doctor data sets"),
    "report": Entry("lru_tune.cli.report", "tables, report and pictures of an experiment"),
    "status": Entry("lru_tune.cli.status", "how a search or reproduction stands"),
    "export": Entry("lru_tune.cli.export", "one trial as a folder to hand on, or an Optuna study"),
    "import-wandb": Entry("lru_tune.cli.import_wandb", "a W&B sweep file as a search space"),
    "errors": Entry("lru_tune.cli.errors", "what an error means and what to do about it"),
    "fields": Entry(
        "lru_tune.cli.fields", "every field of a configuration, with its default and meaning"
    ),
}
USAGE_ERROR = 2
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)  # what belongs to somebody else


def main(argv: Sequence[str] | None = None) -> int:
    """Run `lru-tune` and return its exit code."""
    return guard(_dispatch, sys.argv[1:] if argv is None else argv)


def guard(command: Command, argv: Sequence[str] | None = None) -> int:
    """Run a command; turn an error meant for the user into its text on stderr and its exit code.

    SIGTERM and SIGHUP end a command as Ctrl-C does. An output that nobody reads any more ends it silently.
    """
    return ended_by_reader(lambda: _guarded(command, argv))


def _dispatch(argv: Sequence[str] | None) -> int:
    words = list(argv or [])
    if not words or words[0] in ("-h", "--help"):
        print(_help(), file=sys.stdout if words else sys.stderr)
        return 0 if words else USAGE_ERROR
    command, *rest = words
    if command == "--version":
        print(f"lru-tune {__version__}")
        return 0
    if command not in COMMANDS:
        print(f"error: no command {command!r}.{did_you_mean(command, COMMANDS)}", file=sys.stderr)
        return USAGE_ERROR
    main: Command = importlib.import_module(COMMANDS[command].module).main
    return main(rest)


def _guarded(command: Command, argv: Sequence[str] | None) -> int:
    try:
        with ended_by_request():
            return command(argv)
    except LruTuneError as error:
        lines = (f"{p} [{p.code}]" if isinstance(p, Problem) else p for p in error.problems)
        print("error: " + "\n".join(lines), file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if error.errno in REFUSED and error.filename is not None:
            print(f"error: {error}; name another place, or make it yours", file=sys.stderr)
            return ResourcesMissing.exit_code
        if error.errno not in DISK_FULL:
            raise
        print(f"error: {error}; make room and go on with the same command", file=sys.stderr)
        return ResourcesMissing.exit_code
    except KeyboardInterrupt:
        print("error: interrupted. Type the same command to start again", file=sys.stderr)
        return Interrupted.exit_code


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {entry.summary}" for name, entry in COMMANDS.items()]
    return "\n".join(["usage: lru-tune COMMAND ...", "", *lines, "", "lru-tune COMMAND --help"])
