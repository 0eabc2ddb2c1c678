"""The journal of a search: every event in the order in which it happened, one JSON line each.

A resumed search needs the journal and the run directories, nothing else. Applied to a new searcher and a
new scheduler in the same order, the events rebuild both exactly.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lru_tune.files.run_directory import FINISHED

FILE = "journal.jsonl"
FORMAT_VERSION = 1
RUNNING = "running"  # the status of a report that is not the last
GAVE_UP = frozenset({"diverged", "failed"})
ENDED: frozenset[str] = FINISHED | {"failed"}
# The value of a trial that gave up, by mode: worse than any other, and finite, because Ray and Optuna
# mishandle NaN and infinity.
WORST = {"max": 0.0, "min": 1e6}


class Suggested(NamedTuple):
    """The searcher proposed a trial.

    Attributes:
      number: from 0.
      sample: dotted field -> real value.
      run: name of the run directory.
    """

    number: int
    sample: dict[str, Any]
    run: str


class Reported(NamedTuple):
    """A trial reported.

    Attributes:
      step: optimiser steps done.
      report: number of the report in its trial, from 1.
      value: of the search's metric, finite.
      status: RUNNING, or how the trial ended by itself.
    """

    number: int
    step: int
    report: int
    value: float
    status: str


class Ended(NamedTuple):
    """A trial ended: completed, stopped, diverged or failed."""

    number: int
    status: str
    error: str | None = None


Event = Suggested | Reported | Ended
EVENTS = {"suggested": Suggested, "reported": Reported, "ended": Ended}
NAMES = {kind: name for name, kind in EVENTS.items()}


@dataclass
class TrialRecord:
    """What the journal says of one trial.

    Attributes:
      values: step -> value of the search's metric.
      gave_up_at: step of the last report of a trial that diverged or failed, whose value is WORST.
    """

    number: int
    sample: dict[str, Any]
    run: str
    status: str = "pending"
    error: str | None = None
    report: int = 0
    step: int = 0
    values: dict[int, float] = field(default_factory=dict)
    gave_up_at: int | None = None

    @property
    def own_values(self) -> dict[int, float]:
        """Step -> value, without the value that stands for giving up."""
        return {step: x for step, x in self.values.items() if step != self.gave_up_at}

    @property
    def ended(self) -> bool:
        """Whether the trial has ended."""
        return self.status in ENDED


class Journal:
    """An append-only file of events.

    Attributes:
      trials: number -> TrialRecord, up to date.
      events: those that the file held when it was opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trials: dict[int, TrialRecord] = {}
        self.events = tuple(self._read())
        for event in self.events:
            apply(self.trials, event)

    def append(self, event: Event) -> None:
        """Write an event; suggestions and ends are synced to the disk and survive a power failure."""
        line = json.dumps({"event": NAMES[type(event)], **event._asdict()}) + "\n"
        with open(self.path, "a") as file:
            file.write(line)
            if not isinstance(event, Reported):
                file.flush()
                os.fsync(file.fileno())
        apply(self.trials, event)

    def unfinished(self) -> list[int]:
        """Return the numbers of the trials that have not ended, in order."""
        return [number for number, trial in self.trials.items() if not trial.ended]

    def _read(self) -> Iterator[Event]:
        """Yield the events of the file; truncate a last line that is incomplete."""
        if not self.path.is_file():
            self.path.write_text(json.dumps({"format_version": FORMAT_VERSION}) + "\n")
            return
        content = self.path.read_bytes()
        whole = _whole_lines(content)
        if len(whole) < len(content):
            os.truncate(self.path, len(whole))
        yield from _events(whole)


def read_trials(path: Path) -> dict[int, TrialRecord]:
    """Return number -> trial without changing the file, which may still grow.

    An incomplete last line is skipped. If there is no file there are no trials.
    """
    trials: dict[int, TrialRecord] = {}
    if path.is_file():
        for event in _events(_whole_lines(path.read_bytes())):
            apply(trials, event)
    return trials


def _whole_lines(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]


def _events(lines: bytes) -> Iterator[Event]:
    for line in lines.splitlines()[1:]:
        fields = json.loads(line)
        yield EVENTS[fields.pop("event")](**fields)


def apply(trials: dict[int, TrialRecord], event: Event) -> None:
    """Bring the records of trials up to date with an event."""
    match event:
        case Suggested(number, sample, run):
            trials[number] = TrialRecord(number, sample, run)
        case Reported(number, step, report, value, status):
            trial = trials[number]
            trial.step, trial.report = step, report
            trial.values[step] = value
            trial.status = RUNNING
            if status in GAVE_UP:
                trial.gave_up_at = step
        case Ended(number, status, error):
            trial = trials[number]
            trial.status, trial.error = status, error
