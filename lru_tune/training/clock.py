"""Where the seconds of a run go: into compiling, training and evaluating."""

import functools
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import jax

from lru_tune.files import run_directory as runs
from lru_tune.training.programs.executable_cache import LOADING

COMPILING = "/jax/core/compile/"  # how the events of tracing, lowering and compiling begin
REMEMBERED = 1000  # intervals; those inside of one that ends now are among the last few


class Interval(NamedTuple):
    """A stretch of time, in seconds of `time.monotonic`."""

    start: float
    end: float


class Compilations:
    """Hears when a function is traced, lowered and compiled, or loaded, and sums it up.

    A function traced within another is reported by itself and as a part of the other. It counts once.

    Attributes:
      seconds: spent so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._last: deque[Interval] = deque(maxlen=REMEMBERED)

    def hear(self, event: str, duration_secs: float, **_about: Any) -> None:
        """Take a duration that ends now."""
        if event.startswith(COMPILING) or event == LOADING:
            now = time.monotonic()
            self.count(Interval(now - duration_secs, now))

    def count(self, interval: Interval) -> None:
        """Add an interval in place of those within it; they come in the order of their ends."""
        # The middle decides: ends that touch are known to some microseconds only.
        while self._last and sum(self._last[-1]) / 2 > interval.start:
            inner = self._last.pop()
            self.seconds -= inner.end - inner.start
        self.seconds += interval.end - interval.start
        self._last.append(interval)


@functools.cache
def compilations() -> Compilations:
    """Return the process's compilations, heard from the first call on."""
    heard = Compilations()
    jax.monitoring.register_event_duration_secs_listener(heard.hear)
    return heard


class Clock:
    """Sums up a run's seconds by what they were spent on.

    What is compiled within training or evaluation counts as compiling; the rest of the run's seconds went
    into checkpoints and files.

    Args:
      spent: seconds of earlier attempts, as `seconds` returned them.
    """

    def __init__(self, spent: dict[str, float] | None = None) -> None:
        self._spent = dict.fromkeys(runs.PARTS_OF_SECONDS, 0.0) | (spent or {})

    def seconds(self) -> dict[str, float]:
        """Return the seconds by name, as result.json has them."""
        return dict(self._spent)

    @contextmanager
    def counting(
        self, what: Literal["train_seconds", "eval_seconds"], among: int = 1
    ) -> Iterator[None]:
        """Count the time of a block, which waits for its results; a part of it, among so many runs."""
        begun, compiled = time.monotonic(), compilations().seconds
        try:
            yield
        finally:
            spent = time.monotonic() - begun
            compiling = min(
                spent, compilations().seconds - compiled
            )  # other threads compile as well
            self._spent[runs.COMPILE_SECONDS] += compiling / among
            self._spent[what] += (spent - compiling) / among
