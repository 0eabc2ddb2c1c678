"""ASHA and median stopping read back from a journal judge as if they had never been away."""

from itertools import product

import pytest

from lru_tune.search.strategy.journal import Ended, Journal, Reported
from lru_tune.search.strategy.replay import PastTrial, replay
from lru_tune.search.strategy.schedulers import SCHEDULERS, StoppingSettings, rungs
from lru_tune.search.strategy.searchers import SpaceSearcher
from lru_tune.search.strategy.trial_keys import NUMBER, STATUS

SETTINGS = StoppingSettings(
    "val/accuracy", "max", horizon=90, reports=9, grace=10, reduction_factor=3
)
RATE = "optim.learning_rate"


class Course:
    """A search of trials that report in turns, two at a time, as Ray would run it."""

    def __init__(self, space, folder, kind: str) -> None:
        folder.mkdir(exist_ok=True)
        self.journal = Journal(folder / "journal.jsonl")
        self.searcher = SpaceSearcher(space, self.journal, folder)
        self.scheduler = SCHEDULERS[kind](SETTINGS)
        replay(self.journal, self.searcher, self.scheduler)
        self.open: dict[int, int] = {}  # number -> step

    def run(self, events: int, trials: int = 12) -> tuple:
        while len(self.journal.path.read_text().splitlines()) <= events:
            while len(self.open) < 2:
                number = self.searcher.suggest("any")[NUMBER]
                if number >= trials:
                    return Journal(self.journal.path).events
                trial = PastTrial({NUMBER: number})
                if self.journal.trials[number].step == 0:
                    self.scheduler.on_trial_add(None, trial)
                self.open[number] = self.journal.trials[number].step
            # The trial that is behind reports; of equals, the older one.
            self.advance(min(self.open, key=lambda number: (self.open[number], number)))
        return Journal(self.journal.path).events

    def advance(self, number: int) -> None:
        step = self.open[number] = self.open[number] + 10
        trial = PastTrial({NUMBER: number})
        value = self.journal.trials[number].sample[RATE] * step / 90
        result = {"step": step, "val/accuracy": value, STATUS: "running"}
        status = "completed" if step == 90 else "running"
        self.record(Reported(number, step, step // 10, value, status))
        if step == 90 or self.scheduler.on_trial_result(None, trial, result) == "STOP":
            self.scheduler.on_trial_complete(None, trial, result)
            self.record(Ended(number, "completed" if step == 90 else "stopped"))
            del self.open[number]

    def record(self, event) -> None:
        self.journal.append(event)
        self.searcher.apply(event)


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


def test_a_report_told_twice_is_judged_once(make_space, tmp_path):
    scheduler = SCHEDULERS["median"](SETTINGS)
    for number in range(5):
        scheduler.on_trial_add(None, PastTrial({NUMBER: number}))
    for _ in range(2):
        for number in range(4):
            result = {"step": 20, "val/accuracy": 0.5 + number / 10}
            scheduler.on_trial_result(None, PastTrial({NUMBER: number}), result)
    assert [len(results) for results in scheduler._results.values()] == [1] * 4


def test_rungs_grow_by_the_factor_and_end_below_the_horizon():
    assert rungs(SETTINGS) == [10, 30]
    assert rungs(SETTINGS._replace(horizon=91)) == [10, 30, 90]
