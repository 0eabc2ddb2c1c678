"""Which configurations share compiled programs, and which can be lanes of one program."""

import pytest

from lru_tune.config.compile_key import compile_key, lane_key
from lru_tune.config.config_files import load_run_config
from lru_tune.files.paths import search_space_file

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
    "runtime.matmul=f32",
)


def config(*overrides: str):
    return load_run_config(search_space_file("smnist"), overrides=["model.dropout=0.1", *overrides])


@pytest.mark.parametrize("key", [compile_key, lane_key])
def test_only_fields_that_are_not_traced_tell_programs_apart(key):
    first = config()
    assert [change for change in SAME if config(change) == first] == []
    assert {key(config(change)) for change in SAME} == {key(first)}
    assert len({key(config(change)) for change in OTHER} | {key(first)}) == len(OTHER) + 1


def test_runs_that_read_other_data_share_programs_but_no_lanes():
    other = config("data.train_examples=100")
    assert compile_key(other) == compile_key(config())
    assert lane_key(other) != lane_key(config())
