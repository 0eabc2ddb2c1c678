"""The one place where an error becomes a message on stderr and an exit code."""

import errno
import sys
from collections.abc import Callable, Sequence

from lru_tune.errors import Interrupted, LruTuneError, ResourcesMissing
from lru_tune.files.disk import DISK_FULL
from lru_tune.system.signals import ended_by_reader, ended_by_request

Command = Callable[[Sequence[str] | None], int]
NOT_PERMITTED = (errno.EACCES, errno.EPERM, errno.EROFS)


def guard(command: Command, argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; print an error that is meant for the user on stderr.

    SIGTERM and SIGHUP end a command as Ctrl-C does. A closed output ends it silently.
    """
    return ended_by_reader(lambda: _guarded(command, argv))


def _guarded(command: Command, argv: Sequence[str] | None) -> int:
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
