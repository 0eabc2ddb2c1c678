"""How a layer is chosen, with clocks that say what they are told."""

import logging
from functools import partial

import pytest

from lru_tune.ops.autotune.scan_backend import Size
from lru_tune.ops.layers import LAYERS, Layer, fastest_layer

SIZE, FEATURES = Size(9, 2, 3), 4


def scaled(factor: float) -> Layer:
    plain = LAYERS["recomputed"]
    return plain._replace(apply=lambda *arguments: factor * plain.apply(*arguments))


def choose(layers, folder, *answers):
    answers = list(answers)

    def clock(call) -> float:
        call()
        return answers.pop(0)

    chosen = partial(fastest_layer, layers, SIZE, FEATURES, "sequential", folder)
    return chosen(matmul="device", clock=clock)


def test_the_faster_layer_is_taken_and_remembered(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    two = {"recomputed": LAYERS["recomputed"], "other": scaled(1.001)}
    assert choose(two, tmp_path, 2e-3, 1e-3) == "other"
    assert "states: other takes 1 ms, recomputed 2.0 times as long" in caplog.text
    assert "measured at T 9, B 2, N 3, H 4" in caplog.text
    assert choose(two, tmp_path) == "other"


@pytest.mark.parametrize("factor", [1.05, float("nan")])
def test_one_that_gives_other_numbers_is_left_out_however_fast(factor, tmp_path, caplog):
    two = {"recomputed": LAYERS["recomputed"], "wrong": scaled(factor)}
    assert choose(two, tmp_path, 1.0) == "recomputed"
    assert "wrong is left out, it deviates by" in caplog.text


def test_where_there_is_no_gpu_the_kernel_is_left_out_with_its_reason(tmp_path, caplog):
    assert choose(LAYERS, tmp_path, 1.0) == "recomputed"
    assert "fused is left out, it does not run here: runtime.states fused" in caplog.text
