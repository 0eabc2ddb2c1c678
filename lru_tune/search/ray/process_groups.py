"""Ray's processes in process groups of their own, where no signal to their parent's group reaches them."""

import functools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def started_apart() -> Iterator[None]:
    """Give a group of its own to every process that Ray starts inside the block.

    Ray starts them through `subprocess` with a function to be run before the program, so that Python's
    hooks of a fork are run as well. A group and no session: the kernel may share the processor fairly among
    sessions, where `nice` would be lost. They end with their parent by the kernel's doing (PR_SET_PDEATHSIG).
    Elsewhere than on Linux, Ray ends them as a group, and they are left in it.
    """
    hook = _hook()
    hook.armed = sys.platform == "linux"
    try:
        yield
    finally:
        hook.armed = False


class _Hook:
    """Called in every forked child; hooks cannot be taken back, so this one is mostly not armed."""

    armed = False

    def __call__(self) -> None:
        if self.armed:
            os.setpgrp()


@functools.cache
def _hook() -> _Hook:
    made = _Hook()
    os.register_at_fork(after_in_child=made)
    return made
