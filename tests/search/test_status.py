import pytest

from lru_tune.search.status import RunState, Stage


def test_what_is_left_is_what_was_planned_and_not_done():
    runs = (RunState("a", "completed", step=100), RunState("b", "running", step=20, horizon=100))
    assert Stage("search", runs, total=4, steps=300).steps_left == 180


def test_more_is_left_than_planned_where_fewer_runs_were_stopped():
    runs = (RunState("a", "completed", step=100), RunState("b", "running", step=20, horizon=100))
    assert Stage("search", runs, total=2, steps=110).steps_left == 80


def test_nothing_is_left_when_all_runs_have_ended_early():
    runs = (RunState("a", "stopped", step=10), RunState("b", "diverged", step=20))
    assert Stage("search", runs, total=2, steps=200).steps_left == 0
    assert Stage("search", runs).steps_left is None


@pytest.mark.parametrize(("mode", "best"), [("max", "c"), ("min", "b")])
def test_the_best_run_is_one_that_did_not_diverge(mode, best):
    runs = (
        RunState("a", "diverged", best=1.0),
        RunState("b", "stopped", best=0.2),
        RunState("c", "running", best=0.4),
        RunState("d", "running"),
        RunState("e", "failed", best=0.0),
    )
    assert Stage("search", runs, mode=mode).best.name == best
