"""Work in several processes whose results do not depend on how many they are."""

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

AHEAD = 3  # items under way per process: enough that none waits, few enough to stop soon


def map_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Generator[Result, None, None]:
    """Yield function(item) for each item, in order; items may be endless.

    With one worker everything happens in this process. Otherwise processes are started afresh (never
    forked, as threads may run here), so `function` must be importable. Close the iterator to stop early.
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
    """Leave signals to all of a terminal or group, such as Ctrl-C, to the parent, and end when it ends."""
    os.setpgrp()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A worker whose parent was killed would wait for work for ever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
