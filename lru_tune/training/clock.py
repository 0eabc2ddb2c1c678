"""What a run spends its seconds on: compiling, training, evaluating."""

import functools
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import jax

from lru_tune.files import run_directory as runs
from lru_tune.training.programs.executable_cache import LOADING

COMPILING = "/jax/core/compile/"  # prefix of the events of tracing, lowering and compiling
REMEMBERED = 1000  # intervals; those inside one that ends now are among the last few


class Interval(NamedTuple):
    """A stretch of time, in seconds of `time.monotonic`."""

    start: float
    end: float


class Compilations:
    """Sums up the time that this process spends on tracing, lowering, compiling and loading functions.

    JAX reports a function that is traced within another by itself and as a part of the other; it counts once.

    Attributes:
      seconds: spent so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._last: deque[Interval] = deque(maxlen=REMEMBERED)

    def on_duration(self, event: str, duration_secs: float, **_about: Any) -> None:
        """Take a duration that ends now, from JAX's monitoring."""
        if event.startswith(COMPILING) or event == LOADING:
            now = time.monotonic()
            self.count(Interval(now - duration_secs, now))

    def count(self, interval: Interval) -> None:
        """Add an interval in place of those within it; intervals come in the order of their ends."""
        # Compare middles: ends that touch are known to some microseconds only.
        while self._last and sum(self._last[-1]) / 2 > interval.start:
            inner = self._last.pop()
            self.seconds -= inner.end - inner.start
        self.seconds += interval.end - interval.start
        self._last.append(interval)


@functools.cache
def compilations() -> Compilations:
    """Return the compilations of this process, counted from the first call on."""
    counted = Compilations()
    jax.monitoring.register_event_duration_secs_listener(counted.on_duration)
    return counted


class Clock:
    """Sums up a run's seconds by what they were spent on.

    Compiling within training or evaluation counts as compiling. The rest of a run's seconds goes into
    checkpoints and other files.

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
        """Count the time of a block, which must wait for its results.

        Args:
          what: the name to count under.
          among: runs that do this together; each counts an equal share.
        """
        begun, compiled = time.monotonic(), compilations().seconds
        try:
            yield
        finally:
            spent = time.monotonic() - begun
            # Other threads compile as well, so that the difference may be larger than the block.
            compiling = min(spent, compilations().seconds - compiled)
            self._spent[runs.COMPILE_SECONDS] += compiling / among
            self._spent[what] += (spent - compiling) / among
