"""The search as a whole, over a scripted training: what is stopped, what is kept, what is never opened."""

from pathlib import Path

import pytest
from scripted_task import plan_for, worker_for
from scripted_training import EXECUTED, TEST_READ

from lru_tune.errors import NoTrialSucceeded
from lru_tune.files import run_directory as runs
from lru_tune.search.experiment import confirm, create_experiment, search
from lru_tune.search.strategy.journal import Journal, Reported

RATE = "optim.learning_rate"
DECAY = "optim.weight_decay"


@pytest.fixture
def run(machine, task, tmp_path):
    """Search a space in the session's Ray; return the journal."""

    def run(space, folder: Path = tmp_path / "experiment", at_once: int = 1) -> Journal:
        if not folder.is_dir():
            folder.mkdir()
            create_experiment(space, folder, task)
        plan = plan_for(space, machine, at_once=at_once)
        search(plan, folder, worker_for(plan, task))
        return Journal(folder / "journal.jsonl")

    return run


def executed(folder: Path) -> dict[str, list[int]]:
    """Return the steps each run really executed, in order."""
    logs = sorted(folder.glob("trials/*/" + EXECUTED))
    return {log.parent.name: [int(line) for line in log.read_text().split()] for log in logs}


def statuses(folder: Path) -> list[str]:
    return [runs.read_result(path)["status"] for path in sorted((folder / "trials").iterdir())]


def asha_by_hand(rates: list[float], rungs: tuple[int, ...], horizon: int) -> list[int]:
    """Return where each of some trials ends that come one after another, with factor 3."""
    seen: dict[int, list[float]] = {rung: [] for rung in rungs}
    ends = []
    for rate in rates:
        end = horizon
        for rung in rungs:
            others = sorted(seen[rung])
            seen[rung].append(rate)
            position = (len(others) - 1) * 2 / 3
            if others:
                low = others[int(position)]
                high = others[min(int(position) + 1, len(others) - 1)]
                if rate < low + (high - low) * (position - int(position)) - 1e-12:
                    end = rung
                    break
        ends.append(end)
    return ends


def test_asha_stops_what_successive_halving_stops_and_the_best_completes(run, make_space, tmp_path):
    journal = run(make_space())
    rates = [trial.sample[RATE] for trial in journal.trials.values()]
    assert [trial.step for trial in journal.trials.values()] == asha_by_hand(rates, (10, 30), 90)

    found = statuses(tmp_path / "experiment")
    assert found == [
        "completed" if trial.step == 90 else "stopped" for trial in journal.trials.values()
    ]
    assert found[rates.index(max(rates))] == "completed"
    assert "stopped" in found

    # One process ran all of them: nothing of a run is left over in the next.
    for trial in journal.trials.values():
        assert executed(tmp_path / "experiment")[trial.run] == list(range(0, trial.step, 10))

    again = run(make_space())
    assert again.events == journal.events, "a finished search was run again"


@pytest.mark.slow
def test_the_same_search_one_trial_at_a_time_is_the_same_twice(run, make_space, tmp_path):
    space = make_space(tune__searcher__kind="optuna", tune__trials=14)
    first = run(space, tmp_path / "first")
    second = run(space, tmp_path / "second")
    assert first.events == second.events


def test_a_diverging_trial_ends_at_once_and_never_wins(run, make_space, tmp_path):
    space = make_space(
        search={RATE: {"grid": [0.9, 0.3]}, DECAY: {"grid": [0.5, 0.1]}},
        tune__searcher__kind="grid",
        tune__scheduler__kind="none",
    )
    journal = run(space)
    ends = [(t.sample[DECAY], t.status, t.step) for t in journal.trials.values()]
    assert ends == [(0.5, "diverged", 11), (0.1, "completed", 90)] * 2
    values = [event.value for event in journal.events if isinstance(event, Reported)]
    assert all(0 <= value <= 1 for value in values)
    assert (
        journal.trials[0].error == "diverged at step 11: first non-finite value in blocks_0/nu_log"
    )


@pytest.mark.slow
def test_a_lost_worker_costs_no_step_and_no_report(run, make_space, task, tmp_path):
    (task.folder.parent / "die").write_text("0001-")
    journal = run(make_space(tune__scheduler__kind="none", tune__trials=3))
    assert not (task.folder.parent / "die").exists()
    assert {t.status for t in journal.trials.values()} == {"completed"}
    for steps in executed(tmp_path / "experiment").values():
        assert steps == list(range(0, 90, 10))
    reports = [event for event in journal.events if isinstance(event, Reported)]
    assert [r.step for r in reports if r.number == 1] == list(range(10, 100, 10))


@pytest.mark.slow
def test_a_broken_trial_is_failed_with_its_error_and_the_others_go_on(
    run, make_space, task, tmp_path
):
    (task.folder.parent / "break").write_text("0001-")
    journal = run(make_space(tune__trials=3))
    assert [trial.status for trial in journal.trials.values()].count("failed") == 1
    assert statuses(tmp_path / "experiment")[1] == "failed"
    failed = next((tmp_path / "experiment" / "trials").glob("0001-*"))
    assert runs.read_result(failed)["error"] == "ValueError: the script says so"


def test_a_search_in_which_nothing_succeeds_says_so(run, make_space, task, tmp_path):
    (task.folder.parent / "refuse").write_text("0")
    with pytest.raises(NoTrialSucceeded) as caught:
        run(make_space(tune__trials=2))
    assert caught.value.code == "search.no-trial-succeeded"
    assert caught.value.problems[0].values["count"] == 2
    errors = [
        runs.read_result(path)["error"] for path in (tmp_path / "experiment/trials").iterdir()
    ]
    assert len(errors) == 2
    for error in errors:
        assert error.startswith("DataDamaged: ")
        assert "the script says so" in error


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["median", "hyperband"])
def test_other_schedulers_stop_some_and_complete_the_best(run, make_space, tmp_path, kind):
    journal = run(make_space(tune__scheduler__kind=kind, tune__trials=8), at_once=2)
    ends = {trial.sample[RATE]: trial.status for trial in journal.trials.values()}
    assert set(ends.values()) == {"completed", "stopped"}
    assert ends[max(ends)] == "completed"
    for name, steps in executed(tmp_path / "experiment").items():
        assert steps == sorted(set(steps)), f"{name} computed something twice"


def test_the_test_split_is_read_once_a_confirmation_run_and_never_in_a_search(
    run, make_space, machine, task, tmp_path
):
    space, folder = make_space(), tmp_path / "experiment"
    journal = run(space)
    read = task.folder.parent / TEST_READ
    assert not read.exists()

    plan = plan_for(space, machine, at_once=2)
    confirm(plan, folder, worker_for(plan, task))
    confirm(plan, folder, worker_for(plan, task))  # all done: nothing is read again

    expected = [f"confirm/{rank:02d}-seed{seed}" for rank in (0, 1) for seed in (1, 2)]
    assert sorted(read.read_text().split()) == expected
    completed = {t.sample[RATE] for t in journal.trials.values() if t.status == "completed"}
    confirmed = {
        runs.read_config(folder / name)["optim"]["learning_rate"]: runs.read_result(folder / name)
        for name in expected
    }
    assert max(completed) in confirmed
    assert set(confirmed) <= completed
    for result in confirmed.values():
        assert result["status"] == "completed"
        assert result[runs.TEST_ACCURACY] == 0.5
        assert result["steps"] == 90


@pytest.mark.slow
def test_an_extended_search_is_the_longer_one_and_keeps_what_was_confirmed(
    run, make_space, machine, task, tmp_path
):
    settings = {"tune__searcher__kind": "optuna", "tune__confirm__top": 1}
    short, long = (make_space(tune__trials=n, **settings) for n in (4, 14))
    folder, read = tmp_path / "extended", task.folder.parent / TEST_READ
    for space in (short, long):
        run(space, folder)
        plan = plan_for(space, machine)
        confirm(plan, folder, worker_for(plan, task))
    assert Journal(folder / "journal.jsonl").events == run(long, tmp_path / "long").events

    rates = {
        path.name: runs.read_config(path)["optim"]["learning_rate"]
        for path in (folder / "confirm").iterdir()
    }
    assert sorted(read.read_text().split()) == sorted(f"confirm/{name}" for name in rates)
    assert sorted(rates) == ["00-seed1", "00-seed2", "01-seed1", "01-seed2"], "the winner changed"
    assert rates["01-seed1"] > rates["00-seed1"]
