"""Process groups for Ray's processes, so that signals to their parent's group do not reach them."""

import functools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def started_apart() -> Iterator[None]:
    """Put every process that Ray starts inside the block into a process group of its own.

    Ray starts them through `subprocess` with a `preexec_fn`, so Python's fork hooks run in the child. They
    get a new group but not a new session: the kernel may schedule per session, and `nice` would lose its
    effect. The kernel ends them with their parent (PR_SET_PDEATHSIG). On other systems than Linux, Ray ends
    them as a group, so they stay in it.
    """
    hook = _hook()
    hook.armed = sys.platform == "linux"
    try:
        yield
    finally:
        hook.armed = False


class _Hook:
    """Runs in every forked child. Fork hooks cannot be removed, so this one acts only while it is armed."""

    armed = False

    def __call__(self) -> None:
        if self.armed:
            os.setpgrp()


@functools.cache
def _hook() -> _Hook:
    made = _Hook()
    os.register_at_fork(after_in_child=made)
    return made
