"""Versions of a task's folder: one writer at a time; a new version replaces the old one at once.

Next to ROOT/<task> are its lock and, while it is being replaced, its next and its previous version.
"""

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

logger = logging.getLogger(__name__)


@contextmanager
def task_lock(root: Path, task: str, log: Callable[[str], None] = logger.info) -> Iterator[None]:
    """Hold the lock of `root/task` inside the block; while another process holds it, log that and wait.

    What a killed process left is cleaned up first: its half-written version is deleted, and the version it
    was about to replace is restored.
    """
    root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(root / f".{task}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log(f"another process is preparing {task} in {root}; waiting for it")
        lock.acquire()
    try:
        _clear(root / task)
        yield
    finally:
        lock.release()


def clear_leftovers(root: Path) -> None:
    """Clean up after killed processes, as `task_lock` does, for every task under a data root.

    Tasks that a running process is writing are left alone.
    """
    for path in sorted(root.glob(".*.next")):
        folder = root / path.name.removeprefix(".").removesuffix(".next")
        with suppress(Timeout), FileLock(root / f".{folder.name}.lock", timeout=0):
            _clear(folder)


def _clear(folder: Path) -> None:
    """Delete a half-written version; restore the version that it was about to replace."""
    shutil.rmtree(next_version(folder), ignore_errors=True)
    previous = _previous_version(folder)
    if previous.exists() and not folder.exists():
        previous.rename(folder)
    shutil.rmtree(previous, ignore_errors=True)


def next_version(folder: Path) -> Path:
    """Return the temporary folder for the next version of `folder`."""
    return folder.with_name(f".{folder.name}.next")


def _previous_version(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.previous")


def replace_version(folder: Path) -> None:
    """Flush the next version of `folder` to the disk and replace the present one with it.

    Arrays of the old version that other processes have mapped stay valid. After a kill between the two
    renames, the next holder of `task_lock` restores the old version.
    """
    new, previous = next_version(folder), _previous_version(folder)
    for inner in (*(path for path in new.iterdir() if path.is_dir()), new):
        _sync(inner)
    shutil.rmtree(previous, ignore_errors=True)
    if folder.exists():
        folder.rename(previous)
    try:
        new.rename(folder)
    except OSError:
        if previous.exists():
            previous.rename(folder)
        raise
    _sync(folder.parent)
    shutil.rmtree(previous, ignore_errors=True)


def _sync(folder: Path) -> None:
    """Flush a folder's entries to the disk, so that a rename survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
