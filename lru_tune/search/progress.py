"""Progress of running trials on stderr: a live table on a terminal, plain lines elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray import tune
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lru_tune.config.dotted import flatten
from lru_tune.files.run_directory import BEST_OF, STEP, Mode
from lru_tune.formatting import duration, significant
from lru_tune.search.ray.trial_keys import RUN, RUN_DIR, STATUS
from lru_tune.search.strategy.journal import RUNNING

LINE_SECONDS = 60.0  # between two summaries if stderr is no terminal
SHOWN = 12  # rows of the live table


@dataclass
class Row:
    """One row of the table: a trial."""

    step: int = 0
    value: float | None = None
    best: float | None = None
    status: str = "running"
    searched: str = ""


class Progress(tune.Callback):
    """Shows the progress of the trials of one stage.

    Args:
      title: name of the stage.
      total: trials in the stage.
      steps: optimiser steps expected in the stage; the remaining time is estimated from them.
      metric, mode: the objective.
      fields: dotted names of the searched fields, shown beside a trial.
      rows: name -> row of the trials that ended before.
    """

    def __init__(
        self,
        title: str,
        *,
        total: int,
        steps: int,
        metric: str,
        mode: Mode,
        fields: Sequence[str] = (),
        rows: dict[str, Row] | None = None,
    ) -> None:
        self._title, self._total, self._steps = title, total, steps
        self._metric, self._mode = metric, mode
        self._fields = tuple(fields)
        self._rows = dict(rows or {})
        self._before = sum(row.step for row in self._rows.values())
        self._display: Live | None = None

    def setup(self, *_settings: Any, **_info: Any) -> None:
        """Start the display."""
        self._started = self._printed = time.monotonic()
        console = Console(stderr=True)
        if console.is_terminal:
            self._display = Live(console=console, get_renderable=self.table, refresh_per_second=2)
            self._display.start()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Show a trial that starts or restarts."""
        row = self._rows.setdefault(_name(trial), Row())
        values = flatten(trial.config[RUN])
        row.searched = ", ".join(f"{_leaf(name)} {_short(values[name])}" for name in self._fields)
        row.status = RUNNING

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Show a report."""
        row = self._rows[_name(trial)]
        row.step, row.value = result[STEP], result[self._metric]
        row.best = row.value if row.best is None else self._better(row.best, row.value)
        row.status = result[STATUS]
        if self._display is None and time.monotonic() - self._printed > LINE_SECONDS:
            self._printed = time.monotonic()
            self._print(self._summary())

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Show an end."""
        row = self._rows[_name(trial)]
        self._end(trial, "stopped" if row.status == RUNNING else row.status)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Show a failure."""
        self._end(trial, "failed")

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        """Stop the display; the last state stays on the screen."""
        if self._display is not None:
            self._display.stop()
        else:
            self._print(self._summary())

    def _end(self, trial: Any, status: str) -> None:
        row = self._rows.setdefault(_name(trial), Row())
        row.status = status
        if self._display is None:
            value = "" if row.best is None else f", best {self._metric} {row.best:.4f}"
            searched = f" ({row.searched})" if row.searched else ""
            self._print(f"{_name(trial)}{searched} {status} at step {row.step:,}{value}")

    def _print(self, line: str) -> None:
        print(f"{self._title}: {line}", file=sys.stderr, flush=True)

    def _better(self, one: float, other: float) -> float:
        return BEST_OF[self._mode](one, other)

    def _ranked(self) -> list[tuple[str, Row]]:
        """Return the trials with a value, best first, those that diverged last."""
        sign = -1.0 if self._mode == "max" else 1.0
        valued = [
            (row.status == "diverged", sign * row.best, name)
            for name, row in self._rows.items()
            if row.best is not None
        ]
        return [(name, self._rows[name]) for _, _, name in sorted(valued)]

    def _summary(self) -> str:
        counts = Counter(row.status for row in self._rows.values())
        running = counts.pop(RUNNING, 0)
        ended = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        parts = [f"{counts.total()}/{self._total} ended" + (f" ({ended})" if ended else "")]
        if running:
            parts.append(f"{running} running")
        if ranked := self._ranked():
            parts.append(f"best {self._metric} {ranked[0][1].best:.4f} by {ranked[0][0]}")
        return "; ".join([*parts, *self._pace(running)])

    def _pace(self, running: int) -> list[str]:
        elapsed = time.monotonic() - self._started
        done = sum(row.step for row in self._rows.values())
        rate = (done - self._before) / elapsed if elapsed > 0 else 0.0
        if rate <= 0:
            return []
        left = max(0.0, self._steps - done) / rate
        pace = f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
        return [f"{pace} steps/s"] + ([f"about {duration(left)} left"] if running else [])

    def table(self) -> Group:
        """Return what a terminal shows: a summary, then one line for each trial, running ones first.

        On a narrow terminal only the searched fields are truncated.
        """
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("trial", "status"):
            table.add_column(heading, no_wrap=True)
        for heading in ("step", self._metric, "best"):
            table.add_column(heading, justify="right", no_wrap=True)
        # Not `no_wrap`: rich narrows columns without it first. The cells themselves do not wrap.
        table.add_column("searched" if self._fields else "")
        running = [(n, row) for n, row in self._rows.items() if row.status == RUNNING]
        best = [(n, row) for n, row in self._ranked() if row.status != RUNNING]
        for name, row in (running + best)[:SHOWN]:
            table.add_row(
                name,
                row.status,
                f"{row.step:,}",
                "" if row.value is None else f"{row.value:.4f}",
                "" if row.best is None else f"{row.best:.4f}",
                Text(row.searched, no_wrap=True, overflow="ellipsis"),
            )
        summary = Text(f"{self._title}: {self._summary()}", style="bold")
        return Group(summary, table) if table.row_count else Group(summary)


def _name(trial: Any) -> str:
    return Path(trial.config[RUN_DIR]).name


def _leaf(field: str) -> str:
    return field.rpartition(".")[2]


def _short(value: Any) -> str:
    return significant(value, 3) if isinstance(value, float) else str(value)
