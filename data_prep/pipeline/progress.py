"""Progress of a preparation: bars on a terminal, lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

Progress = Callable[[str, int, int], None]
"""Called with the name of the work, the units done and the units in all."""

SECONDS_BETWEEN_LINES = 5.0


def silent(work: str, done: int, total: int) -> None:
    """Report nothing."""


class ProgressLines:
    """Reports the progress of long work, a line every few seconds; says nothing about short work."""

    def __init__(
        self, log: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Send lines to `log`; `clock` returns seconds."""
        self._log = log
        self._clock = clock
        self._work = ""
        self._start = self._last = 0.0

    def __call__(self, work: str, done: int, total: int) -> None:
        """Record progress, and send a line if the last one is old enough."""
        now = self._clock()
        if work != self._work:
            self._work, self._start, self._last = work, now, now
        if now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        left = (now - self._start) * (total - done) / done if done else float("inf")
        self._log(f"{work}: {done:,} of {total:,} ({done / total:.0%}), about {left:.0f} s left")


@contextmanager
def show_progress(console: Console) -> Iterator[Progress]:
    """Yield a Progress that draws bars on a terminal and prints lines on anything else."""
    if not console.is_terminal:
        yield ProgressLines(lambda line: console.print(line, highlight=False, soft_wrap=True))
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        numbers: dict[str, TaskID] = {}

        def report(work: str, done: int, total: int) -> None:
            if work not in numbers:
                numbers[work] = bars.add_task(work, total=total)
            bars.update(numbers[work], completed=done)

        yield report
