"""Early ends of a command: by a signal, or because its output was closed, as by `| head`."""

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

# From a job manager, and from a terminal that is closed.
REQUESTS = (signal.SIGTERM, signal.SIGHUP)
# `timeout` signals a command and then its whole group; a closing terminal may signal several times.
SAME_REQUEST_SECONDS = 5.0

# 128 + SIGPIPE: what a shell reports for a program whose output `head` has closed.
NOBODY_READS = 141


@contextmanager
def ended_by_request() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP as Ctrl-C inside the block, so that they clean up as Ctrl-C does.

    A signal repeated within SAME_REQUEST_SECONDS is ignored: a second Ctrl-C would interrupt the cleanup.
    Signals that the process was started to ignore, as by `nohup`, stay ignored. In threads other than the
    main one, which alone can handle signals, this does nothing.
    """
    handle = _requests().handle
    before = {number: signal.getsignal(number) for number in REQUESTS}
    handled = [number for number in REQUESTS if before[number] != signal.SIG_IGN]
    try:
        for number in handled:
            signal.signal(number, handle)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])


@contextmanager
def interrupts_restored() -> Iterator[None]:
    """Restore the handler of Ctrl-C after the block; Ray Tune leaves one that ends nothing."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


class _Requests:
    """Passes signals on to the present handler of Ctrl-C."""

    def __init__(self) -> None:
        self._passed_on = -math.inf

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if number == signal.SIGHUP:
            _silence_closed()  # a print during the cleanup would fail
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
    """Return the one handler of all blocks, so that a repeated signal is ignored in the next block too."""
    return _Requests()


def ended_by_reader(command: Callable[[], int]) -> int:
    """Run a command and return its exit code, or NOBODY_READS without a message if its output was closed.

    Output is flushed here, because Python would print an error about it at exit. A broken pipe elsewhere,
    such as between processes, is an error like any other.
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
    """Redirect closed outputs to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in filter(_is_closed, _outputs()):
        os.dup2(null, stream.fileno())
    os.close(null)


def _outputs() -> list[TextIO]:
    return [stream for stream in (sys.stdout, sys.stderr) if stream is not None]


def _is_closed(stream: TextIO) -> bool:
    """Return whether the reading end of a stream's pipe, or its terminal, is closed."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):  # replaced by an object that is no file
        return False
    poll = select.poll()
    poll.register(descriptor, 0)  # errors are reported always
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))
