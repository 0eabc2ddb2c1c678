"""A lock that lets one process at a time work in a folder, and names that process to the others."""

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
HOLDER_FILE = (
    ".lock-holder.json"  # not in the lock file, which every attempt to take the lock empties
)
PATIENCE = 0.2  # seconds; longer than `is_locked` may hold the lock for its look


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder inside the block; it is released even if the process is killed.

    Raises:
      Occupied: another process holds it; the message names the process if it is known.
    """
    try:
        lock = FileLock(folder / LOCK_FILE, timeout=PATIENCE)
        lock.acquire()
    except Timeout as error:
        raise Occupied("files.in-use", folder=folder, holder=_holder(folder)) from error
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
    """Return the process that holds the lock, in brackets; "" if its file is not written yet."""
    try:
        holder = json.loads((folder / HOLDER_FILE).read_text())
    except FileNotFoundError:
        return ""
    return f" (process {holder['pid']} on {holder['host']}, since {holder['since']}: {holder['command']})"
