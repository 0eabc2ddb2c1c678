"""Trained networks as functions of arrays, and what they refuse."""

import jax
import numpy as np
import pytest

import lru_tune as lt
from lru_tune.models.build import build_model
from lru_tune.models.traced_hyperparameters import TracedHyperparameters
from lru_tune.training.trained.predictor import Predictor

SMALL = {"n_layers": 1, "d_model": 8, "d_hidden": 6}


def predictor(task: str, **model) -> Predictor:
    fields = {"task": task, "steps": 1, "data": {"batch_size": 2}, "model": SMALL | model}
    config = lt.RunConfig.model_validate(fields)
    traced = TracedHyperparameters(r_min=0.5, r_max=0.99, max_phase=6.28, dropout=0.0)
    rng = np.random.default_rng(0)
    # Random numbers of the right shapes: an initialisation would take seconds to compile.
    variables = jax.tree.map(
        lambda leaf: np.float32(rng.uniform(0.1, 0.5, leaf.shape)),
        jax.eval_shape(build_model(config.model, lt.TASKS[task]).init, jax.random.key(0), traced),
    )
    return Predictor(config, dict(variables))


@pytest.fixture(scope="module")
def listops() -> Predictor:
    return predictor("listops")


@pytest.fixture(scope="module")
def copy() -> Predictor:
    return predictor("copy", pooling="none")


@pytest.fixture(scope="module")
def pairs() -> Predictor:
    return predictor("aan")


def test_probabilities_labels_and_logits_agree_whatever_the_batch(listops):
    x = np.random.default_rng(0).integers(0, 20, (7, 16))
    lengths = np.arange(10, 17)
    logits = listops.logits(x, lengths)
    assert logits.shape == (7, 10)
    np.testing.assert_allclose(listops.logits(x[2:3], lengths[2:3]), logits[2:3], rtol=1e-5)
    np.testing.assert_allclose(listops.predict_proba(x, lengths).sum(-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(listops.predict(x, lengths), logits.argmax(-1))
    np.testing.assert_allclose(
        listops.logits(x, [16] * 7), listops.logits(x.astype(np.uint8)), rtol=1e-6
    )


def test_a_stream_equals_predict_and_can_be_reset(copy):
    x = np.random.default_rng(0).integers(0, 2, (1, 48, 8))
    stream = copy.stream()
    for _ in range(2):
        steps = [stream.step(x_t) for x_t in x[0]]
        assert stream.steps == 48
        found = np.stack(steps[-20:], axis=1)
        np.testing.assert_allclose(found, copy.logits(x), rtol=1e-4, atol=1e-5)
        stream.reset()
    assert copy.predict(x).shape == (1, 20, 7)


def test_eigenvalues_are_those_of_the_parameters(copy):
    (layer,) = copy.eigenvalues
    params = copy.variables["params"]["block_0"]["recurrence"]
    phase = 1j * np.exp(params["theta_log"])
    np.testing.assert_allclose(layer, np.exp(-np.exp(params["nu_log"]) + phase), rtol=1e-5)


@pytest.mark.parametrize(
    ("network", "x", "lengths", "code"),
    [
        ("listops", np.zeros((2, 9)), None, "api.input-type"),
        ("listops", [["a"]], None, "api.input-type"),
        ("listops", np.zeros(9, int), None, "api.input-shape"),
        ("listops", np.zeros((0, 9), int), None, "api.input-shape"),
        ("listops", np.full((2, 9), 20), None, "api.input-range"),
        ("listops", np.full((2, 9), -1), None, "api.input-range"),
        ("listops", np.zeros((2, 9), int), [9], "api.input-lengths"),
        ("listops", np.zeros((2, 9), int), [9, 10], "api.input-lengths"),
        ("listops", np.zeros((2, 9), int), [0, 9], "api.input-lengths"),
        ("listops", np.zeros((2, 9), int), [1.0, 9.0], "api.input-lengths"),
        ("copy", np.zeros((2, 48, 7), int), None, "api.input-shape"),
        ("copy", np.zeros((2, 19, 8), int), None, "api.input-shape"),
        ("copy", np.full((2, 48, 8), np.nan), None, "api.input-range"),
        ("pairs", np.zeros((2, 9), int), None, "api.input-shape"),
        ("pairs", np.zeros((2, 2, 9), int), [9, 9], "api.input-lengths"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(network, x, lengths, code, request):
    with pytest.raises(lt.InputError) as refused:
        request.getfixturevalue(network).predict(x, lengths)
    assert refused.value.code == code


def test_a_time_step_that_does_not_fit_is_refused(copy):
    for x, code in (
        (np.zeros(7, int), "shape"),
        (np.zeros((2, 8), int), "shape"),
        ([2] * 8, "range"),
    ):
        with pytest.raises(lt.InputError) as refused:
            copy.stream().step(x)
        assert refused.value.code == f"api.input-{code}"
