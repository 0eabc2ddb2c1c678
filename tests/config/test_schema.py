"""Rules between the fields of a run."""

import re

import pytest

from lru_tune.config.config_files import load_run_config
from lru_tune.errors import ConfigError
from lru_tune.files.paths import search_space_folder

ONLINE = ["optim.algorithm=rtrl", "model.norm=layer"]
FUSED = ["runtime.states=fused", "runtime.matmul=bf16"]


def load(*overrides: str):
    return load_run_config(search_space_folder() / "copy.yaml", overrides=overrides)


def test_backpropagation_through_time_is_the_default():
    assert load().optim.algorithm == "bptt"


@pytest.mark.parametrize("variant", ["real-imag", "exp", "stable-exp", "lru"])
def test_every_diagonal_variant_can_learn_online(variant):
    assert load(*ONLINE, f"variant={variant}").optim.algorithm == "rtrl"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([*ONLINE, "variant=rnn-tanh"], "variant rnn-tanh is dense"),
        ([*ONLINE, "model.bidirectional=true"], "set model.bidirectional: false or bptt"),
        (["optim.algorithm=rtrl"], "needs model.norm: layer"),
        ([*ONLINE, *FUSED], "no backward pass through time"),
        ([*FUSED, "variant=rnn-tanh"], "variant rnn-tanh is dense; set runtime.states: kept"),
        ([*FUSED, "runtime.scan=chunked"], "set runtime.scan: auto or pallas"),
        (FUSED[:1], "set runtime.matmul: bf16"),
        (["optim.algorithm=online"], "'bptt' or 'rtrl'"),
    ],
)
def test_online_learning_refuses_what_it_cannot_do(overrides, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(*overrides)
