"""How a command ends early: asked to by a signal, or because nobody reads what it prints."""

import functools
import math
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

# A job manager's request to end, and a terminal that is closed.
REQUESTS = (signal.SIGTERM, signal.SIGHUP)
# `timeout` signals a command and then its whole group, a closing terminal does so more than once.
SAME_REQUEST_SECONDS = 5.0

# 128 + SIGPIPE: what a shell reports of a program that ended because `head` had seen enough.
NOBODY_READS = 141


@contextmanager
def ended_by_request() -> Iterator[None]:
    """Hear SIGTERM and SIGHUP as Ctrl-C inside the block, so that a request to end tidies up as Ctrl-C does.

    A request that is repeated at once is heard once: a second Ctrl-C would cut the tidying short. What the
    process was started to ignore, as by `nohup`, stays ignored. Only the main thread of a process can
    hear signals; elsewhere the block is run as it is.
    """
    hear = _requests().hear
    before = {number: signal.getsignal(number) for number in REQUESTS}
    heard = [number for number in REQUESTS if before[number] != signal.SIG_IGN]
    try:
        for number in heard:
            signal.signal(number, hear)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


@contextmanager
def interrupts_restored() -> Iterator[None]:
    """Have Ctrl-C do after the block what it did before; Ray Tune leaves a handler that ends nothing."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


class _Requests:
    """Passes requests to end on to whoever hears Ctrl-C at the moment."""

    def __init__(self) -> None:
        self._passed_on = -math.inf

    def hear(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if number == signal.SIGHUP:
            _silence_closed()  # what is still said would fail in the midst of the tidying
        now = time.monotonic()
        if now - self._passed_on < SAME_REQUEST_SECONDS:
            return
        self._passed_on = now
        interrupt = signal.getsignal(signal.SIGINT)
        if not callable(interrupt):  # a shell's background job has Ctrl-C ignored
            raise KeyboardInterrupt
        interrupt(signal.SIGINT, frame)


@functools.cache
def _requests() -> _Requests:
    """Return what all blocks share, so that a request heard in one is not heard again in another."""
    return _Requests()


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
    _silence_closed()
    return NOBODY_READS


def _silence_closed() -> None:
    """Send to nowhere what is still written to outputs that nobody reads."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in filter(_is_closed, _outputs()):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _outputs() -> list[TextIO]:
    return [stream for stream in (sys.stdout, sys.stderr) if stream is not None]


def _is_closed(stream: TextIO) -> bool:
    """Return whether the other end of a stream's pipe, or its terminal, is closed."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):  # replaced by something that is no file
        return False
    poll = select.poll()
    poll.register(descriptor, 0)  # errors are told unasked
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))
