"""Which configurations share a compiled program, told without JAX and as the programs tell it."""

import itertools

import pytest

from lru_tune.config.compile_key import shape
from lru_tune.config.config_files import load_run_config
from lru_tune.files.paths import search_space_file
from lru_tune.training.hyperparameters import program_key

SAME = (
    "seed=3",
    "optim.learning_rate=0.1",
    "optim.schedule=constant",
    "model.recurrence.r_max=0.95",
    "model.dropout=0.2",
    "steps=7",
)
OTHER = (
    "model.d_hidden=12",
    "model.dropout=0",
    "optim.b2=0.9",
    "data.batch_size=3",
    "variant=exp",
    "runtime.matmul=device",
)


def config(*overrides: str):
    return load_run_config(search_space_file("smnist"), overrides=["model.dropout=0.1", *overrides])


@pytest.mark.parametrize("change", SAME)
def test_a_field_that_is_not_compiled_anew_changes_no_shape(change):
    assert config(change) != config()
    assert shape(config(change)) == shape(config())


def test_shapes_are_equal_where_programs_are():
    for one, two in itertools.combinations(["seed=0", *SAME, *OTHER], 2):
        a, b = config(one), config(two)
        assert (shape(a) == shape(b)) == (program_key(a) == program_key(b)), (one, two)


def test_runs_that_read_other_data_have_other_shapes():
    assert shape(config("data.train_examples=100")) != shape(config())
