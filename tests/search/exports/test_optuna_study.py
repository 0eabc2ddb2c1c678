"""The copy of a search for Optuna's dashboard: the same live as afterwards, and never in the way."""

import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from scripted_task import plan_for, worker_for

from lru_tune.search.experiment import create_experiment, search
from lru_tune.search.exports import study_copy as mirror
from lru_tune.search.exports.optuna_study import FILE, STATES, StudyFile, study_file
from lru_tune.search.strategy.journal import Ended, Journal, Reported, Suggested, read_trials

RATE = "optim.learning_rate"
DECAY = "optim.weight_decay"
R_MAX = "model.recurrence.r_max"
FATES = {DECAY: {"choice": [0.1, 0.5]}, RATE: {"uniform": [0.1, 0.9]}}  # 0.5 diverges


def load(path: Path, name: str) -> optuna.Study:
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    return optuna.load_study(study_name=name, storage=storage)


def facts(study: optuna.Study) -> list[tuple]:
    """Return what must not depend on when a study was written."""
    return [
        (t.number, t.state, t.params, t.distributions, t.intermediate_values, t.value, t.user_attrs)
        for t in study.trials
    ]


@pytest.fixture
def run(machine, task, tmp_path):
    """Search a space in the session's Ray; return the experiment's folder."""

    def run(space) -> Path:
        folder = tmp_path / "experiment"
        if not folder.is_dir():
            folder.mkdir()
            create_experiment(space, folder, task)
        plan = plan_for(space, machine, at_once=1)
        search(plan, folder, worker_for(plan, task))
        return folder

    return run


def test_the_study_kept_live_is_the_one_made_afterwards(run, make_space, tmp_path):
    space = make_space(search=FATES)
    folder = run(space)
    live = load(folder / FILE, "experiment")
    trials = read_trials(folder / "journal.jsonl")
    with study_file(tmp_path / "again.journal", space, folder) as again:
        again.update(trials.values())
    assert live.metric_names == ["val/accuracy"]
    assert facts(live) == facts(load(tmp_path / "again.journal", "experiment"))
    assert [t.state for t in live.trials] == [STATES[t.status] for t in trials.values()]
    assert {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL} == {
        t.state for t in live.trials
    }
    diverged = next(t for t in live.trials if t.state == TrialState.FAIL)
    assert diverged.user_attrs["status"] == "diverged"
    assert list(diverged.intermediate_values) == [10], "the worst value is not its own"
    assert live.best_value == max(max(t.values.values()) for t in trials.values() if t.step == 90)


def test_a_search_whose_study_cannot_be_written_goes_on(run, make_space, task, tmp_path, caplog):
    space, folder = make_space(tune__trials=2), tmp_path / "experiment"
    (folder / FILE).mkdir(parents=True)  # no file can be written there
    create_experiment(space, folder, task)
    run(space)
    assert all(trial.ended for trial in Journal(folder / "journal.jsonl").trials.values())
    assert "optuna.journal is not kept" in caplog.text
    assert "lru-tune export" in caplog.text


def test_a_slow_study_delays_the_end_by_a_bound_only(run, make_space, monkeypatch, caplog):
    monkeypatch.setattr(mirror, "FINISH_SECONDS", 0.1)
    monkeypatch.setattr(StudyFile, "update", lambda *_: time.sleep(3))
    begun = time.monotonic()
    folder = run(make_space(tune__trials=2))
    assert all(trial.ended for trial in Journal(folder / "journal.jsonl").trials.values())
    assert "is not complete yet" in caplog.text
    assert time.monotonic() - begun < 60


@pytest.mark.parametrize("name", ["study.journal", "study.db"])
def test_a_study_can_be_brought_up_to_date_again_and_again(make_space, tmp_path, name):
    space = make_space(search={R_MAX: {"one_minus_loguniform": [1e-4, 1e-1]}})
    journal = Journal(tmp_path / "journal.jsonl")
    events = [
        Suggested(0, {R_MAX: 0.99}, "0000-a"),
        Suggested(1, {R_MAX: 0.999}, "0001-b"),
        Reported(1, 10, 1, 0.3, "running"),
        Reported(0, 10, 1, 0.2, "running"),
        Ended(1, "stopped"),
        Reported(0, 90, 2, 0.6, "completed"),
        Ended(0, "completed"),
    ]
    for event in events:
        journal.append(event)
        for _ in range(2):  # opened anew, as by a resumed search
            with study_file(tmp_path / name, space, tmp_path / "x") as study:
                study.update(journal.trials.values())
    url = f"sqlite:///{tmp_path / name}"
    read = optuna.load_study(study_name="x", storage=url) if name.endswith("db") else None
    first, second = (read or load(tmp_path / name, "x")).trials
    assert first.state == TrialState.COMPLETE
    assert first.value == 0.6
    assert first.intermediate_values == {10: 0.2, 90: 0.6}
    assert first.params == {f"1 - {R_MAX}": pytest.approx(0.01)}
    assert first.distributions[f"1 - {R_MAX}"].log
    assert second.state == TrialState.PRUNED
    assert second.user_attrs == {"run": "0001-b", "status": "stopped"}
    assert first.datetime_complete is not None


def test_a_study_whose_writer_was_killed_goes_on(make_space, tmp_path):
    space = make_space()
    journal = Journal(tmp_path / "journal.jsonl")
    path = tmp_path / "study.journal"
    for number in range(2):
        journal.append(Suggested(number, {RATE: 0.5}, f"000{number}-a"))
        with study_file(path, space, tmp_path / "x") as study:
            study.update(journal.trials.values())
        with open(path, "a") as file:
            file.write('{"op_code": 4, "wor')
    with study_file(path, space, tmp_path / "x"):
        assert len(load(path, "x").trials) == 2


def test_reading_a_journal_changes_nothing_and_leaves_out_half_a_line(tmp_path):
    path = tmp_path / "journal.jsonl"
    assert read_trials(path) == {}
    assert not path.exists()
    Journal(path).append(Suggested(0, {}, "0000-a"))
    with open(path, "a") as file:
        file.write('{"event": "repor')
    before = path.read_bytes()
    assert list(read_trials(path)) == [0]
    assert path.read_bytes() == before
