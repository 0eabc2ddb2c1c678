"""A cell's results are read from its run directories, whatever else lies there."""

import math

import pytest

from lru_tune.errors import DataDamaged
from lru_tune.files import run_directory as runs
from lru_tune.reproduction.outcome import FIRST_SEED, cell_result, cell_runs
from lru_tune.reproduction.rates import rate_search_runs
from lru_tune.reproduction.store import Store, remember_data, remembered_data


@pytest.fixture
def cell(plan):
    return plan(1, "RNN-Lin", rates=(0.5,))[0]


def end(cell, store, number, status="completed", **fields):
    run = cell_runs(cell, number + 1, store).planned[number]
    runs.write_result(run.run_dir, status, device="cpu: scripted", **fields)


def accuracy(value):
    return {runs.TEST_ACCURACY: value}


def test_seeds_of_an_earlier_call_count_as_well(cell, store):
    for number, value in enumerate((0.4, 0.5, 0.6)):
        end(cell, store, number, **accuracy(value))
    found = cell_result(cell, 1, store)
    assert found.accuracies == pytest.approx([40, 50, 60])
    assert found.seeds == [FIRST_SEED, FIRST_SEED + 1, FIRST_SEED + 2]
    assert found.waiting == 0
    assert found.devices == ("cpu: scripted",)


def test_diverged_runs_count_failed_ones_do_not_and_missing_ones_wait(cell, store):
    end(cell, store, 0, **accuracy(0.4))
    end(cell, store, 1, "diverged")
    end(cell, store, 2, "failed")
    found = cell_result(cell, 5, store)
    assert found.accuracies[0] == pytest.approx(40)
    assert math.isnan(found.accuracies[1])
    assert (found.completed, found.diverged, found.failed, found.waiting) == (1, 1, 1, 2)


def test_an_interrupted_run_or_one_without_its_test_waits(cell, store):
    end(cell, store, 0, "interrupted")
    end(cell, store, 1, "completed")
    assert cell_result(cell, 2, store).waiting == 2


def test_a_cell_without_data_or_rate_has_no_results(cell, plan, store):
    assert cell_result(cell, 3, Store(store.root, {})).waiting == 3
    searched = plan(1, "RNN-Lin")[0]
    assert cell_result(searched, 3, store).failed == 0
    for run in rate_search_runs(searched, store):
        runs.write_result(run.run_dir, "failed")
    assert cell_result(searched, 3, store).failed == 3


def test_data_are_remembered_beside_their_runs(store):
    assert remembered_data(store.root, "listops") is None
    remember_data(store.root, "synthetic/listops", store.data["listops"])
    assert remembered_data(store.root, "listops") is None
    assert remembered_data(store.root, "synthetic/listops") == store.data["listops"]
    (store.root / "data" / "listops.json").write_text("{}")
    with pytest.raises(DataDamaged) as refused:
        remembered_data(store.root, "listops")
    assert refused.value.code == "reproduction.damaged-data"


def test_a_run_is_named_by_configuration_seed_and_data(cell, store, plan):
    other = plan(1, "RNN-Lin", sets=("model.d_model=16",))[0]
    moved = Store(store.root, {"listops": store.data["listops"]._replace(fingerprint="other")})
    names = [
        store.run_dir(cell.at(0.5, 1)),
        store.run_dir(cell.at(0.5, 2)),
        store.run_dir(cell.at(0.6, 1)),
        store.run_dir(other.at(0.5, 1)),
        moved.run_dir(cell.at(0.5, 1)),
    ]
    assert len(set(names)) == len(names)
