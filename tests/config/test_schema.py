"""Rules between the fields of a run."""

import pytest

from lru_tune.config.config_files import load_run_config
from lru_tune.errors import ConfigError
from lru_tune.files.paths import search_space_folder

ONLINE = ["optim.algorithm=rtrl", "model.norm=layer"]


def load(*overrides: str):
    return load_run_config(search_space_folder() / "copy.yaml", overrides=overrides)


def test_backpropagation_through_time_is_the_default():
    assert load().optim.algorithm == "bptt"


@pytest.mark.parametrize("variant", ["real-imag", "exp", "stable-exp", "lru"])
def test_every_diagonal_variant_can_learn_online(variant):
    assert load(*ONLINE, f"variant={variant}").optim.algorithm == "rtrl"


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ([*ONLINE, "variant=rnn-tanh"], "config.rtrl-dense"),
        ([*ONLINE, "model.bidirectional=true"], "config.rtrl-bidirectional"),
        (["optim.algorithm=rtrl"], "config.rtrl-batch-norm"),
        ([*ONLINE, "runtime.states=recomputed"], "config.rtrl-states"),
        (["optim.algorithm=online"], "config.unknown-choice"),
        (["runtime.block=native", "model.norm=layer"], "config.native-block-unfit"),
    ],
)
def test_online_learning_refuses_what_it_cannot_do(overrides, code):
    with pytest.raises(ConfigError) as caught:
        load(*overrides)
    assert caught.value.code == code
