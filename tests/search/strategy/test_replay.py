"""ASHA and median stopping read back from a journal judge as if they had never been away."""

from itertools import product

import pytest

from lru_tune.search.strategy.journal import Ended, Journal, Reported
from lru_tune.search.strategy.replay import replay
from lru_tune.search.strategy.schedulers import SCHEDULERS, Scheduler, StoppingSettings
from lru_tune.search.strategy.searchers import SpaceSearcher

SETTINGS = StoppingSettings(
    "val/accuracy", "max", horizon=90, reports=9, grace=10, reduction_factor=3
)
RATE = "optim.learning_rate"


class Course:
    """A search of trials that report in turns, two at a time, as Ray would run it."""

    def __init__(self, space, folder, kind: str) -> None:
        folder.mkdir(exist_ok=True)
        self.journal = Journal(folder / "journal.jsonl")
        self.searcher = SpaceSearcher(space, self.journal)
        self.scheduler = Scheduler(SCHEDULERS[kind](SETTINGS))
        replay(self.journal, self.searcher, self.scheduler)
        self.open: dict[int, int] = {}  # number -> step

    def run(self, events: int, trials: int = 12) -> tuple:
        while len(self.journal.path.read_text().splitlines()) <= events:
            while len(self.open) < 2:
                trial = self.searcher.suggest()
                if trial.number >= trials:
                    return Journal(self.journal.path).events
                self.open[trial.number] = trial.step
            # The trial that is behind reports; of equals, the older one.
            self.advance(min(self.open, key=lambda number: (self.open[number], number)))
        return Journal(self.journal.path).events

    def advance(self, number: int) -> None:
        step = self.open[number] = self.open[number] + 10
        value = self.journal.trials[number].sample[RATE] * step / 90
        status = "completed" if step == 90 else "running"
        stop = self.record(Reported(number, step, step // 10, value, status))
        if stop or step == 90:
            self.record(Ended(number, "stopped" if stop else "completed"))
            del self.open[number]

    def record(self, event) -> bool:
        self.journal.append(event)
        self.searcher.apply(event)
        return self.scheduler.apply(event)


@pytest.mark.parametrize(("kind", "cut"), list(product(("asha", "median"), (9, 17, 30))))
def test_a_scheduler_read_back_decides_as_before(make_space, tmp_path, kind, cut):
    space = make_space(tune__searcher__kind="optuna")
    expected = Course(space, tmp_path / "whole", kind).run(60)
    assert any(isinstance(event, Ended) and event.status == "stopped" for event in expected)
    Course(space, tmp_path / "cut", kind).run(cut)
    assert Course(space, tmp_path / "cut", kind).run(60) == expected


def test_a_stop_that_was_decided_but_not_written_is_carried_out(make_space, tmp_path):
    space = make_space()
    events = Course(space, tmp_path / "whole", "asha").run(60)
    stop = next(e for e in events if isinstance(e, Ended) and e.status == "stopped")
    path = tmp_path / "cut" / "journal.jsonl"
    path.parent.mkdir()
    lines = (tmp_path / "whole" / "journal.jsonl").read_text().splitlines(keepends=True)
    path.write_text("".join(lines[: events.index(stop) + 1]))

    course = Course(space, path.parent, "asha")

    assert course.journal.trials[stop.number].status == "stopped"
    assert stop.number not in course.searcher._again


@pytest.mark.parametrize("kind", ["asha", "median"])
def test_a_report_that_is_repeated_is_judged_once(kind):
    scheduler = Scheduler(SCHEDULERS[kind](SETTINGS))
    first = [Reported(number, 20, 2, 0.5, "running") for number in range(4)]
    assert not any(map(scheduler.apply, first))
    assert scheduler.apply(Reported(4, 20, 2, 0.4, "running"))
    assert not scheduler.apply(Reported(4, 20, 2, 0.4, "running"))


def test_a_lost_worker_is_not_compared_with_and_a_divergence_is():
    """With ASHA's factor 3, a trial continues if it is among the best third of those before."""
    for end, stops in ((Ended(0, "failed", "lost"), False), (Ended(0, "diverged"), True)):
        scheduler = Scheduler(SCHEDULERS["asha"](SETTINGS._replace(mode="min")))
        if end.status == "diverged":
            scheduler.apply(Reported(0, 11, 1, 0.1, "diverged"))
        scheduler.apply(end)
        assert scheduler.apply(Reported(1, 10, 1, 0.2, "running")) == stops
