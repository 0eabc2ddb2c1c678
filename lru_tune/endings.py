"""How a command ends early: asked to by a signal, or because nobody reads what it prints."""

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

# 128 + SIGPIPE: what a shell reports of a program that ended because `head` had seen enough.
NOBODY_READS = 141


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Hear SIGTERM as Ctrl-C inside the block, so that a request to end tidies up as Ctrl-C does.

    Only the main thread of a process can; elsewhere the block is run as it is.
    """
    try:
        before = signal.signal(signal.SIGTERM, _interrupt)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def ended_by_reader(command: Callable[[], int]) -> int:
    """Run a command and return its exit code, or NOBODY_READS where its output was closed, silently.

    What is still to be written is written inside, as Python would complain of it at its own end. A pipe
    that breaks elsewhere, as between processes, is an error like any other.
    """
    try:
        try:
            return command()
        finally:  # also after `--help`, which leaves by SystemExit
            for stream in _outputs():
                stream.flush()
    except BrokenPipeError:
        if not any(map(_is_closed, _outputs())):
            raise
    except SystemExit as end:  # what rich makes of a broken pipe
        if not isinstance(end.__context__, BrokenPipeError):
            raise
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in filter(_is_closed, _outputs()):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return NOBODY_READS


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _outputs() -> list[TextIO]:
    return [stream for stream in (sys.stdout, sys.stderr) if stream is not None]


def _is_closed(stream: TextIO) -> bool:
    """Return whether the other end of a stream's pipe is closed."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):  # replaced by something that is no file
        return False
    poll = select.poll()
    poll.register(descriptor, 0)  # errors are told unasked
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))
