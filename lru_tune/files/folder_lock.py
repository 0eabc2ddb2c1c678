"""One process at a time in a folder, and a name for the one that is there."""

import fcntl
import json
import os
import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from lru_tune.errors import Occupied
from lru_tune.files.atomic import write_atomically

LOCK_FILE = ".lock"
HOLDER_FILE = ".lock-holder.json"  # not in the lock itself, which an attempt to take it empties
PATIENCE = 0.2  # seconds; longer than `is_locked` may hold the lock for its look


@contextmanager
def sole_process(folder: Path) -> Iterator[None]:
    """Hold the right to work in a folder inside the block; the lock goes with the process that holds it.

    Raises:
      Occupied: another process works there; names it as far as it is known.
    """
    try:
        lock = FileLock(folder / LOCK_FILE, timeout=PATIENCE)
        lock.acquire()
    except Timeout as error:
        raise Occupied(
            f"{folder} is being worked on by another process{_holder(folder)}. "
            "Wait for it, or end it: what it has done is kept"
        ) from error
    try:
        holder = {
            "pid": os.getpid(),
            "host": platform.node(),
            "since": datetime.now().astimezone().isoformat(timespec="seconds"),
            "command": shlex.join(sys.argv),
        }
        write_atomically(folder / HOLDER_FILE, json.dumps(holder) + "\n")
        yield
    finally:
        (folder / HOLDER_FILE).unlink(missing_ok=True)
        lock.release()


def is_locked(folder: Path) -> bool | None:
    """Return whether a process holds the lock of a folder; None where the folder has no lock file.

    On a shared disk this may not see a process of another machine.
    """
    try:
        lock = os.open(folder / LOCK_FILE, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _holder(folder: Path) -> str:
    """Return who holds the lock, in brackets; "" where that is not written down yet."""
    try:
        told = json.loads((folder / HOLDER_FILE).read_text())
    except FileNotFoundError:
        return ""
    return f" (process {told['pid']} on {told['host']}, since {told['since']}: {told['command']})"
