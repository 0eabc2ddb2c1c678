import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scan_oracle import loop, loop_gradients, planes

from lru_tune.ops.scan.linear_scan import SCAN_BACKENDS, linear_scan

# float32 against float64: rounding errors of about 1e-7 a step accumulate over the memory
# 1 / (1 - |lambda|) of the recurrence, up to 1e4 steps here but T at most; relative to the largest state.
TOLERANCE = 1e-4

ON_A_CPU = [name for name in SCAN_BACKENDS if name != "pallas"]  # that one: test_pallas_scan.py


def relative_error(ours: jnp.ndarray, exact: np.ndarray) -> float:
    exact = planes(exact)
    return float(np.max(np.abs(np.asarray(ours, np.float64) - exact)) / np.max(np.abs(exact)))


def problem(length: int, modulus: float, batch: int = 3, n: int = 5):
    rng = np.random.default_rng(length)
    phase = rng.uniform(0, 2 * np.pi, n)
    decay = modulus * np.exp(1j * phase)
    size = (length, batch, n)

    def complex_normal() -> np.ndarray:
        return rng.normal(size=size) + 1j * rng.normal(size=size)

    return decay, complex_normal(), complex_normal()


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("modulus", [0.3, 0.97, 0.9999])
@pytest.mark.parametrize(
    "length", [1, 2, 64, 65, *(pytest.param(t, marks=pytest.mark.slow) for t in (3, 63, 1000))]
)
@pytest.mark.parametrize("backend", ON_A_CPU)
def test_scan_equals_the_loop_in_value_and_gradient(backend, length, modulus, reverse):
    decay, drive, weight = problem(length, modulus)

    def objective(decay, drive):
        states = linear_scan(decay, drive, backend=backend, reverse=reverse)
        return jnp.sum(states * jnp.asarray(planes(weight), jnp.float32)), states

    given = (jnp.asarray(planes(part), jnp.float32) for part in (decay, drive))
    (_, states), grads = jax.jit(jax.value_and_grad(objective, (0, 1), has_aux=True))(*given)
    exact = loop(decay, drive, reverse)
    grad_decay, grad_drive = loop_gradients(decay, exact, weight, reverse)
    assert relative_error(states, exact) < TOLERANCE
    assert relative_error(grads[1], grad_drive) < TOLERANCE
    if length > 1:
        assert relative_error(grads[0], grad_decay) < TOLERANCE
    else:
        assert jnp.all(grads[0] == 0)


def test_the_oracles_gradient_is_the_numerical_one():
    decay, drive, weight = problem(length=7, modulus=0.9)
    states = loop(decay, drive, reverse=False)
    grad_decay, _ = loop_gradients(decay, states, weight, reverse=False)

    def objective(decay):
        return np.sum((np.conj(weight) * loop(decay, drive, reverse=False)).real)

    epsilon = 1e-6
    for k in range(len(decay)):
        nudge = np.zeros_like(decay)
        nudge[k] = epsilon
        real = (objective(decay + nudge) - objective(decay - nudge)) / (2 * epsilon)
        imaginary = (objective(decay + 1j * nudge) - objective(decay - 1j * nudge)) / (2 * epsilon)
        np.testing.assert_allclose(grad_decay[k], real + 1j * imaginary, rtol=1e-6)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"decay must be \(2N,\)"):
        linear_scan(jnp.zeros(4), jnp.zeros((2, 3, 6)))
