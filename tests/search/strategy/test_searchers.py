from pathlib import Path

import pytest

from lru_tune.errors import ConfigError
from lru_tune.search.strategy.journal import Ended, Journal, Reported
from lru_tune.search.strategy.searchers import SpaceSearcher

KINDS = [
    {"tune__searcher__kind": "optuna", "tune__searcher__sampler": "tpe"},
    {"tune__searcher__kind": "optuna", "tune__searcher__sampler": "qmc"},
    {"tune__searcher__kind": "random"},
]


def start(space, folder: Path) -> SpaceSearcher:
    folder.mkdir(exist_ok=True)
    return SpaceSearcher(space, Journal(folder / "journal.jsonl"))


def live_through(searcher: SpaceSearcher, count: int) -> list[dict]:
    """Run some trials one after another: every third is stopped, every fifth diverges."""
    samples = []
    for _ in range(count):
        trial = searcher.suggest()
        number, sample = trial.number, trial.sample
        samples.append(sample)
        value = sample["optim.learning_rate"]
        status = {0: "stopped", 1: "diverged"}.get(number % 5, "completed")
        for event in (
            Reported(number, 10, 1, value / 2, "running"),
            Reported(number, 20, 2, value, "running" if status == "stopped" else status),
            Ended(number, status),
        ):
            searcher._journal.append(event)
            searcher.apply(event)
    return samples


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(kind.values()))
def test_a_searcher_read_back_from_its_journal_goes_on_as_if_never_stopped(
    make_space, tmp_path, kind
):
    space = make_space(**kind)
    uninterrupted = live_through(start(space, tmp_path / "a"), 24)
    first = live_through(start(space, tmp_path / "b"), 15)

    again = start(space, tmp_path / "b")
    for event in again._journal.events:
        again.apply(event)

    assert first + live_through(again, 9) == uninterrupted


def test_a_sample_that_breaks_a_constraint_is_never_proposed(make_space, tmp_path):
    space = make_space(constraints=("optim.learning_rate < 0.3",))
    samples = live_through(start(space, tmp_path), 20)
    assert all(sample["optim.learning_rate"] < 0.3 for sample in samples)
    assert len(samples) == len({sample["optim.learning_rate"] for sample in samples}) == 20


def test_start_points_come_first_and_in_order(make_space, tmp_path):
    space = make_space(
        points={"slow": {"optim.learning_rate": 0.2}, "fast": {"optim.learning_rate": 0.7}},
        tune__start_points=["fast", "slow"],
    )
    samples = live_through(start(space, tmp_path), 3)
    rates = [sample["optim.learning_rate"] for sample in samples]
    assert rates[:2] == [0.7, 0.2]
    assert rates[2] not in (0.7, 0.2)


def test_the_grid_is_every_combination_once_in_order(make_space, tmp_path):
    space = make_space(
        search={
            "optim.learning_rate": {"grid": [0.1, 0.2]},
            "model.n_layers": {"grid": [1, 2, 3]},
        },
        tune__searcher__kind="grid",
    )
    assert live_through(start(space, tmp_path), 6) == space.grid()


def test_every_ended_trial_is_told_and_no_value_is_infinite(make_space, tmp_path):
    searcher = start(make_space(), tmp_path)
    live_through(searcher, 10)
    states = [trial.state.name for trial in searcher._study.trials]
    assert states == ["PRUNED", "COMPLETE", "COMPLETE", "COMPLETE", "COMPLETE"] * 2
    diverged = searcher._study.trials[1]
    assert diverged.value == 0.0


def test_a_failed_trial_and_one_without_a_report_are_told_as_failed(make_space, tmp_path):
    searcher = start(make_space(), tmp_path)
    for status in ("failed", "stopped"):
        number = searcher.suggest().number
        end = Ended(number, status)
        searcher._journal.append(end)
        searcher.apply(end)
        searcher.apply(end)  # told twice, heard once
    assert [trial.state.name for trial in searcher._study.trials] == ["FAIL", "FAIL"]


def test_a_journal_that_disagrees_with_the_sampler_is_right(make_space, tmp_path):
    space = make_space()
    kept = live_through(start(space, tmp_path), 4)
    again = start(make_space(tune__searcher__seed=99), tmp_path)
    for event in again._journal.events:
        again.apply(event)
    params = [trial.params for number, trial in again._asked.items()]
    assert params == kept


def test_a_space_without_a_valid_sample_is_an_error(make_space, tmp_path):
    space = make_space(constraints=("optim.learning_rate < 0.3",))
    object.__setattr__(space, "satisfies", lambda sample: False)
    with pytest.raises(ConfigError) as caught:
        start(space, tmp_path).suggest()
    assert caught.value.code == "search.no-valid-sample"
