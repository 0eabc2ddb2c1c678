"""`lru-tune COMMAND`, and the one place where an error becomes an exit code."""

import errno
import sys
from collections.abc import Sequence

from lru_tune import __version__
from lru_tune.cli.commands import COMMANDS, Main, help_text, main_of
from lru_tune.data.disk import DISK_FULL
from lru_tune.errors import (
    ConfigError,
    Interrupted,
    LruTuneError,
    ResourcesMissing,
    did_you_mean,
)
from lru_tune.system.signals import ended_by_reader, ended_by_request

__all__ = ["guard", "main"]

NOT_PERMITTED = (errno.EACCES, errno.EPERM, errno.EROFS)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `lru-tune` and return its exit code."""
    return guard(_dispatch, sys.argv[1:] if argv is None else argv)


def guard(command: Main, argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; print an error that is meant for the user on stderr.

    SIGTERM and SIGHUP end a command as Ctrl-C does. A closed output ends it silently.
    """
    return ended_by_reader(lambda: _guarded(command, argv))


def _dispatch(argv: Sequence[str] | None) -> int:
    words = list(argv or [])
    if not words:
        print(help_text(), file=sys.stderr)
        return ConfigError.exit_code
    command, *rest = words
    if command in ("-h", "--help"):
        print(help_text())
        return 0
    if command == "--version":
        print(f"lru-tune {__version__}")
        return 0
    if command not in COMMANDS:
        hint = did_you_mean(command, COMMANDS)
        raise ConfigError("cli.unknown-command", command=command, hint=hint)
    return main_of(command)(rest)


def _guarded(command: Main, argv: Sequence[str] | None) -> int:
    try:
        with ended_by_request():
            return command(argv)
    except LruTuneError as failure:
        error = failure
    except OSError as failure:
        if failure.errno in DISK_FULL:
            error = ResourcesMissing("cli.disk-full", error=failure)
        elif failure.errno in NOT_PERMITTED and failure.filename is not None:
            error = ResourcesMissing("cli.not-permitted", error=failure)
        else:
            raise
    except KeyboardInterrupt:
        error = Interrupted("cli.interrupted-early")
    print(f"error: {error.lines()}", file=sys.stderr)
    return error.exit_code
