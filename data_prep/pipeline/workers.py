"""Mapping a function over items in several processes; the results do not depend on their number."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 3  # items submitted per process: enough to keep it busy, few enough to stop soon


def default_workers() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Generator[Result, None, None]:
    """Yield function(item) for each item, in order; items may be endless.

    One worker means this process. Several are spawned, not forked, because this process may run threads;
    so `function` must be importable. Close the iterator to stop early.
    """
    if workers == 1:
        yield from map(function, items)
        return
    context = multiprocessing.get_context("spawn")
    remaining = iter(items)
    with ProcessPoolExecutor(workers, context, _follow_parent) as pool:
        under_way: deque[Future[Result]] = deque(
            pool.submit(function, item) for item in islice(remaining, AHEAD * workers)
        )
        try:
            while under_way:
                yield under_way.popleft().result()
                under_way.extend(pool.submit(function, item) for item in islice(remaining, 1))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _follow_parent() -> None:
    """Ignore signals to the parent's process group, such as Ctrl-C, and end when the parent ends."""
    os.setpgrp()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # Otherwise a worker whose parent was killed would wait for work for ever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
