"""The journal of a search: every event in the order it happened, one JSON line each.

The journal and the run directories are all that a resumed search needs. Fed through the same searcher
and scheduler in the same order, the events rebuild both exactly; nothing is pickled and nothing of Ray's
own state is read back.
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
GAVE_UP = frozenset({"diverged", "failed"})
ENDED: frozenset[str] = FINISHED | {"failed"}


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
    """A trial said how it does.

    Attributes:
      step: optimiser steps done.
      report: reports so far, from 1.
      value: of the search's metric, finite.
      status: `running`, or how the trial ended by itself.
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
      values: of the search's metric, by step.
      gave_up_at: step of a last report that only says that the trial gave up, with the worst value.
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
        """The values that the trial reached itself, by step."""
        return {step: x for step, x in self.values.items() if step != self.gave_up_at}

    @property
    def ended(self) -> bool:
        """Whether nothing more will come from this trial."""
        return self.status in ENDED


class Journal:
    """An append-only file of events and what they add up to.

    Attributes:
      trials: number -> TrialRecord.
      events: what the file held when it was opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trials: dict[int, TrialRecord] = {}
        self.events = tuple(self._read())
        for event in self.events:
            self._count(event)

    def append(self, event: Event) -> None:
        """Write an event; beginnings and ends of trials survive a power failure."""
        line = json.dumps({"event": NAMES[type(event)], **event._asdict()}) + "\n"
        with open(self.path, "a") as file:
            file.write(line)
            if not isinstance(event, Reported):
                file.flush()
                os.fsync(file.fileno())
        self._count(event)

    def unfinished(self) -> list[int]:
        """Return the numbers of the trials that have not ended, in order."""
        return [number for number, trial in self.trials.items() if not trial.ended]

    def _read(self) -> Iterator[Event]:
        """Yield the events of the file; cut off a last line that was not written whole."""
        if not self.path.is_file():
            self.path.write_text(json.dumps({"format_version": FORMAT_VERSION}) + "\n")
            return
        content = self.path.read_bytes()
        whole = _whole_lines(content)
        if len(whole) < len(content):
            os.truncate(self.path, len(whole))
        yield from _events(whole)

    def _count(self, event: Event) -> None:
        _count(self.trials, event)


def read_trials(path: Path) -> dict[int, TrialRecord]:
    """Return number -> trial as a journal tells it; changes nothing, also while the journal grows.

    A last line that is not whole yet is left out; a journal that is not there has no trials.
    """
    trials: dict[int, TrialRecord] = {}
    if path.is_file():
        for event in _events(_whole_lines(path.read_bytes())):
            _count(trials, event)
    return trials


def _whole_lines(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]


def _events(lines: bytes) -> Iterator[Event]:
    for line in lines.splitlines()[1:]:
        fields = json.loads(line)
        yield EVENTS[fields.pop("event")](**fields)


def _count(trials: dict[int, TrialRecord], event: Event) -> None:
    match event:
        case Suggested(number, sample, run):
            trials[number] = TrialRecord(number, sample, run)
        case Reported(number, step, report, value, status):
            trial = trials[number]
            trial.step, trial.report = step, report
            trial.values[step] = value
            trial.status = "running"
            if status in GAVE_UP:
                trial.gave_up_at = step
        case Ended(number, status, error):
            trial = trials[number]
            trial.status, trial.error = status, error
