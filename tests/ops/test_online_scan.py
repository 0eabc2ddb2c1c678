import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.ops.online_scan import SUMS, online_scan
from lru_tune.ops.projection import project
from lru_tune.ops.scan.linear_scan import SCAN_BACKENDS, linear_scan

# Rounding of float32 over a memory of at most T steps, and of float64; relative to the largest entry.
TOLERANCE = {"float32": 1e-4, "float64": 1e-12}

ON_A_CPU = [name for name in SCAN_BACKENDS if name != "pallas"]


def problem(length: int, batch: int = 3, n: int = 4, h: int = 5):
    rng = np.random.default_rng(length)
    decay = rng.uniform(0.5, 0.99, n) * np.exp(1j * rng.uniform(0, 2 * np.pi, n))
    weights = rng.normal(size=(n, h)) + 1j * rng.normal(size=(n, h))
    errors = rng.normal(size=(length, batch, n)) + 1j * rng.normal(size=(length, batch, n))
    return decay, weights, rng.normal(size=(length, batch, h)), errors


def planes(z, axis: int = -1):
    return np.concatenate([z.real, z.imag], axis=axis)


def gradients_by_definition(decay, weights, inputs, errors):
    """The sensitivity of every state to every parameter, carried forward one by one in complex128.

    An error delta stands for the loss change Re(conj(delta) dh), whose gradient with respect to a complex
    parameter p is conj(dh / dp) delta.
    """
    length, batch, n = errors.shape
    h = inputs.shape[-1]
    grad_decay, grad_weights = np.zeros(n, complex), np.zeros((n, h), complex)
    grad_inputs = np.zeros(inputs.shape)
    for b in range(batch):
        for i in range(n):
            state, by_decay, by_weights = 0j, 0j, np.zeros(h, complex)
            for t in range(length):
                u, delta = inputs[t, b], errors[t, b, i]
                by_decay = decay[i] * by_decay + state
                by_weights = decay[i] * by_weights + u
                state = decay[i] * state + weights[i] @ u
                grad_decay[i] += np.conj(by_decay) * delta
                grad_weights[i] += np.conj(by_weights) * delta
                grad_inputs[t, b] += (np.conj(weights[i]) * delta).real
    return planes(grad_decay), planes(grad_weights, axis=0), grad_inputs


def gradients(function, length: int, dtype: str):
    decay, weights, inputs, errors = problem(length)
    with jax.enable_x64(dtype == "float64"):
        arguments = [
            jnp.asarray(part, dtype) for part in (planes(decay), planes(weights, axis=0), inputs)
        ]
        objective = lambda *a: jnp.sum(function(*a) * jnp.asarray(planes(errors), dtype))  # noqa: E731
        return [np.asarray(part) for part in jax.jit(jax.grad(objective, (0, 1, 2)))(*arguments)]


def error(ours, exact) -> float:
    return float(np.max(np.abs(ours - exact)) / max(np.max(np.abs(exact)), 1e-30))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("length", [1, 2, 50])
@pytest.mark.parametrize("sums", SUMS)
def test_gradients_are_the_definitions(sums, length, dtype):
    ours = gradients(lambda *a: online_scan(*a, sums=sums), length, dtype)
    for part, exact in zip(ours, gradients_by_definition(*problem(length)), strict=True):
        assert part.dtype == dtype
        assert error(part, exact) < TOLERANCE[dtype]


@pytest.mark.parametrize("sums", SUMS)
def test_only_the_gradient_sent_below_differs_from_backpropagation_through_time(sums):
    online = gradients(lambda *a: online_scan(*a, sums=sums), 50, "float64")
    through_time = gradients(lambda d, w, u: linear_scan(d, project(u, w.T)), 50, "float64")
    assert error(online[0], through_time[0]) < TOLERANCE["float64"]
    assert error(online[1], through_time[1]) < TOLERANCE["float64"]
    assert error(online[2], through_time[2]) > 0.1
    # The last step has no later state: there the two agree.
    assert error(online[2][-1], through_time[2][-1]) < TOLERANCE["float64"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ON_A_CPU)
@pytest.mark.parametrize("sums", SUMS)
def test_values_and_gradients_hold_on_every_back_end(sums, backend):
    decay, weights, inputs, _ = problem(70)
    arguments = [
        jnp.asarray(part, jnp.float32) for part in (planes(decay), planes(weights, axis=0), inputs)
    ]
    states = online_scan(*arguments, sums=sums, backend=backend)
    exact = linear_scan(arguments[0], project(arguments[2], arguments[1].T), backend=backend)
    np.testing.assert_array_equal(states, exact)
    ours = gradients(lambda *a: online_scan(*a, sums=sums, backend=backend), 70, "float32")
    for part, definition in zip(ours, gradients_by_definition(*problem(70)), strict=True):
        assert error(part, definition) < TOLERANCE["float32"]
