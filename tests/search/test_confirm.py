import pytest

from lru_tune.files.run_directory import TEST_ACCURACY, TEST_LOSS, VAL_ACCURACY
from lru_tune.search.confirm import confirmation_runs, ended_rows
from lru_tune.space.space import SearchSpace

RATE = "optim.learning_rate"
TEST = {TEST_ACCURACY: 0.5, TEST_LOSS: 1.0}


@pytest.fixture
def space():
    return SearchSpace.load("listops", overrides=["tune.confirm.top=2", "tune.confirm.seeds=2"])


@pytest.fixture
def experiment(tmp_path, write_run):
    """Three trials, the last one the best, the first two confirmed while it was not there."""
    for number, value in enumerate((0.5, 0.4, 0.6)):
        rate = {RATE: 0.001 * (number + 1)}
        write_run(tmp_path / "trials" / f"{number:04d}", accuracies=(value,), config=rate)
        for seed in (1, 2)[: 2 * (number < 2)]:
            run = tmp_path / "confirm" / f"{number:02d}-seed{seed}"
            write_run(run, accuracies=(value,), config=rate | {"seed": seed}, **TEST)
    return tmp_path


def test_a_new_best_one_is_confirmed_beside_those_before(experiment, space):
    found = {
        job.run_dir.name: job.config.optim.learning_rate
        for job in confirmation_runs(experiment, space)
    }
    assert found == {
        "02-seed1": 0.003,
        "02-seed2": 0.003,
        "00-seed1": 0.001,
        "00-seed2": 0.001,
    }


def test_what_is_done_is_shown_as_done(experiment, space):
    rows = ended_rows(confirmation_runs(experiment, space), VAL_ACCURACY)
    assert {name: (row.status, row.best) for name, row in rows.items()} == {
        "00-seed1": ("completed", 0.5),
        "00-seed2": ("completed", 0.5),
    }
