from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.models.recurrence import LRU, DenseRNN
from lru_tune.ops.states import ComputeMethod

TOLERANCE = 1e-4  # relative, float32 against float64, as promised for minimal-LRU's parameters

PARAMETERS = {
    "nu_log": (5,),
    "theta_log": (5,),
    "gamma_log": (5,),
    "B_re": (5, 3),
    "B_im": (5, 3),
    "C_re": (3, 5),
    "C_im": (3, 5),
    "D": (3,),
}


def lru_by_definition(params: dict, inputs: np.ndarray, n: int) -> np.ndarray:
    """Paper, section 3.4, in complex128 and one step after the other; inputs (B, T, H)."""
    p = {name: np.asarray(value, np.float64) for name, value in params.items()}
    decay = np.exp(-np.exp(p["nu_log"]) + 1j * np.exp(p["theta_log"]))
    B = np.exp(p["gamma_log"])[:, None] * (p["B_re"] + 1j * p["B_im"])
    C = p["C_re"] + 1j * p["C_im"]
    outputs = np.zeros_like(inputs, np.float64)
    for b, sequence in enumerate(inputs):
        for reverse in [False, True][: C.shape[1] // n]:
            state = np.zeros(n, complex)
            part = C[:, n:] if reverse else C[:, :n]
            steps = range(len(sequence))
            for t in reversed(steps) if reverse else steps:
                state = decay * state + B @ sequence[t]
                outputs[b, t] += (part @ state).real
    return outputs + p["D"] * inputs


def built(layer, length=40, batch=4, seed=0):
    inputs = np.random.default_rng(seed).normal(size=(batch, length, 3)).astype(np.float32)
    variables = layer.init(jax.random.key(seed), inputs)
    return variables, inputs


def test_parameters_are_the_papers():
    variables, _ = built(LRU(d_hidden=5, d_model=3))
    assert {k: v.shape for k, v in variables["params"].items()} == PARAMETERS
    assert {v.dtype for v in variables["params"].values()} == {jnp.dtype("float32")}


@pytest.mark.parametrize("states", ["kept", "recomputed"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_output_is_the_definitions(bidirectional, states):
    layer = LRU(
        5, 3, r_min=0.5, r_max=0.99, bidirectional=bidirectional, method=ComputeMethod(states)
    )
    variables, inputs = built(layer)
    exact = lru_by_definition(variables["params"], inputs, n=5)
    ours = layer.apply(variables, inputs)
    assert np.max(np.abs(ours - exact)) / np.max(np.abs(exact)) < TOLERANCE


def test_initial_scales_are_the_papers_listing():
    n, h = 400, 300
    layer = LRU(d_hidden=n, d_model=h, r_min=0.9, r_max=0.99)
    params = layer.init(jax.random.key(0), jnp.zeros((1, 2, h)))["params"]
    scales = {"B_re": (2 * h) ** -0.5, "B_im": (2 * h) ** -0.5, "C_re": n**-0.5, "C_im": n**-0.5}
    for name, scale in scales.items():
        assert float(jnp.std(params[name])) == pytest.approx(scale, rel=0.02)
    assert float(jnp.std(params["D"])) == pytest.approx(1.0, rel=0.2)
    modulus = np.exp(-np.exp(np.asarray(params["nu_log"], np.float64)))
    np.testing.assert_allclose(
        np.exp(np.asarray(params["gamma_log"])), np.sqrt(1 - modulus**2), rtol=1e-4
    )


def test_gamma_keeps_white_noise_at_unit_variance():
    n, h, length = 256, 64, 4000
    layer = LRU(d_hidden=n, d_model=h, r_min=0.9, r_max=0.99)
    params = layer.init(jax.random.key(0), jnp.zeros((1, 2, h)))["params"]
    rng = np.random.default_rng(0)
    decay = np.exp(-np.exp(params["nu_log"]) + 1j * np.exp(params["theta_log"]))
    B = np.exp(params["gamma_log"])[:, None] * (params["B_re"] + 1j * np.asarray(params["B_im"]))
    state = np.zeros(n, complex)
    power = []
    for t in range(length):
        state = decay * state + B @ rng.normal(size=h)
        if t > 1000:
            power.append(np.mean(np.abs(state) ** 2))
    assert np.mean(power) == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("layer", [LRU(d_hidden=5, d_model=3), DenseRNN(5, 3, "tanh")])
def test_causality(layer):
    variables, inputs = built(layer)
    changed = inputs.copy()
    changed[:, 25] += 1.0
    before, after = layer.apply(variables, inputs), layer.apply(variables, changed)
    np.testing.assert_array_equal(before[:, :25], after[:, :25])
    assert np.all(np.any(before[:, 25:] != after[:, 25:], axis=-1))


def test_a_bidirectional_layer_sees_the_future():
    layer = LRU(d_hidden=5, d_model=3, bidirectional=True)
    variables, inputs = built(layer)
    changed = inputs.copy()
    changed[:, 25] += 1.0
    assert np.any(layer.apply(variables, inputs)[:, 24] != layer.apply(variables, changed)[:, 24])


@pytest.mark.parametrize("kind", [LRU, DenseRNN])
def test_time_first_holds_the_same_numbers(kind):
    layer = kind(d_hidden=5, d_model=3)
    variables, inputs = built(layer)
    ours = layer.apply(variables, inputs.swapaxes(0, 1), method="recur")
    np.testing.assert_array_equal(ours.swapaxes(0, 1), layer.apply(variables, inputs))


@pytest.mark.parametrize("activation", ["linear", "tanh", "relu"])
def test_dense_output_is_the_definitions(activation):
    layer = DenseRNN(5, 3, activation)
    variables, inputs = built(layer)
    p = {name: np.asarray(value, np.float64) for name, value in variables["params"].items()}
    sigma = {"linear": lambda x: x, "tanh": np.tanh, "relu": lambda x: np.maximum(x, 0)}[activation]
    exact = np.zeros_like(inputs, np.float64)
    for b, sequence in enumerate(inputs):
        state = np.zeros(5)
        for t, u in enumerate(sequence):
            state = sigma(p["A"] @ state + p["B"] @ u)
            exact[b, t] = p["C"] @ state + p["D"] * u
    ours = layer.apply(variables, inputs)
    assert np.max(np.abs(ours - exact)) / np.max(np.abs(exact)) < TOLERANCE


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", [LRU, DenseRNN])
def test_the_last_steps_alone_are_those_of_the_whole(kind, bidirectional):
    layer = kind(d_hidden=5, d_model=3, bidirectional=bidirectional)
    variables, inputs = built(layer)
    recur = partial(layer.apply, variables, inputs.swapaxes(0, 1), method="recur")
    np.testing.assert_allclose(recur(last=7), recur()[-7:], rtol=1e-5, atol=1e-6)
