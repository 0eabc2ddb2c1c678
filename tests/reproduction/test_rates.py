"""Learning rates: chosen by validation, remembered for the same cell and data only."""

from dataclasses import replace

import pytest

from lru_tune.config.config_files import load_run_config
from lru_tune.errors import ConfigError
from lru_tune.files import run_directory as runs
from lru_tune.reproduction.rates import FIXED, choose_rate, known_rate, rate_search_runs
from lru_tune.reproduction.store import Store, TaskData


def write_search(cell, store, **results):
    """Write the ended runs of a learning-rate search, lowest rate first: status and accuracy."""
    for run, (status, accuracy) in zip(
        rate_search_runs(cell, store), results.values(), strict=True
    ):
        runs.write_result(run.run_dir, status, **{runs.VAL_ACCURACY: accuracy})


@pytest.fixture
def said():
    return []


@pytest.fixture
def cell(plan):
    return plan(1, "RNN-Lin")[0]


def test_the_best_on_validation_wins_and_is_remembered(cell, store, said):
    assert known_rate(cell, store) is None
    write_search(
        cell, store, low=("stopped", 0.3), middle=("completed", 0.6), high=("completed", 0.5)
    )
    assert choose_rate(cell, store, said.append).rate == 0.5
    assert known_rate(cell, store).rate == 0.5
    assert "0.2: 30.00%, 0.5: 60.00%, 0.9: 50.00%" in said[0]
    assert str(store.recipe_file(cell.config, cell.rates)) in said[0]
    assert len(said) == 1


def test_of_equal_rates_the_smallest_wins_and_the_end_of_the_grid_is_told(cell, store, said):
    write_search(
        cell, store, low=("completed", 0.6), middle=("completed", 0.6), high=("stopped", 0.5)
    )
    assert choose_rate(cell, store, said.append).rate == 0.2
    assert "end of the grid" in said[-1]


def test_a_rate_that_diverged_or_failed_never_wins(cell, store, said):
    write_search(
        cell, store, low=("completed", 0.1), middle=("diverged", 0.6), high=("failed", 0.7)
    )
    assert choose_rate(cell, store, said.append).rate == 0.2


def test_where_runs_failed_and_none_succeeded_nothing_is_chosen(cell, store, said):
    write_search(
        cell, store, low=("diverged", 0.1), middle=("diverged", None), high=("failed", None)
    )
    assert choose_rate(cell, store, said.append) is None
    assert known_rate(cell, store) is None
    assert "no run for a learning rate succeeded" in said[0]


def test_where_every_rate_diverged_the_smallest_is_taken_and_said_to_have(cell, store, said):
    write_search(
        cell, store, low=("diverged", 0.1), middle=("diverged", None), high=("diverged", 0.3)
    )
    assert choose_rate(cell, store, said.append).rate == 0.2
    assert known_rate(cell, store) == (0.2, "smallest of 3, all of which diverged")


def test_a_recipe_is_a_complete_configuration_for_training(cell, store, said):
    write_search(
        cell, store, low=("completed", 0.1), middle=("completed", 0.6), high=("completed", 0.5)
    )
    choose_rate(cell, store, said.append)
    assert load_run_config(store.recipe_file(cell.config, cell.rates)) == cell.at(0.5, 0)


def test_other_data_other_settings_or_another_grid_are_searched_anew(cell, plan, store, said):
    write_search(
        cell, store, low=("completed", 0.1), middle=("completed", 0.6), high=("completed", 0.5)
    )
    choose_rate(cell, store, said.append)
    other_data = Store(store.root, {"listops": TaskData("fingerprint2", 0.2, 100)})
    assert known_rate(cell, other_data) is None
    assert known_rate(plan(1, "RNN-Lin", sets=("model.d_model=16",))[0], store) is None
    assert known_rate(plan(1, "RNN-Lin", rates=(0.2, 0.5))[0], store) is None
    assert known_rate(plan(6, "RNN-Lin")[0], store).rate == 0.5, "the same cell of another table"


def test_a_single_rate_is_taken_as_it_is(cell, store):
    assert known_rate(replace(cell, rates=(0.4,)), store) == (0.4, FIXED)


def test_a_recipe_changed_by_hand_to_a_foreign_rate_is_refused(cell, store, said):
    write_search(
        cell, store, low=("completed", 0.1), middle=("completed", 0.6), high=("completed", 0.5)
    )
    choose_rate(cell, store, said.append)
    file = store.recipe_file(cell.config, cell.rates)
    file.write_text(file.read_text().replace("learning_rate: 0.5", "learning_rate: 0.7"))
    with pytest.raises(ConfigError) as refused:
        known_rate(cell, store)
    assert refused.value.code == "reproduction.foreign-rate"
    assert refused.value.problems[0].values["rate"] == 0.7
    assert refused.value.problems[0].file == str(file)


def test_no_run_that_chooses_counts(cell, store):
    chosen_with = {run.config.seed for run in rate_search_runs(cell, store)}
    assert chosen_with == {0}
    assert {run.final for run in rate_search_runs(cell, store)} == {"validation"}
