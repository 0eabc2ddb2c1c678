import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.figures import input_normalization as figure

SMALL = figure.Settings(n_states=64, sequences=8, length=2000, rings=((0.0, 0.9), (0.9, 0.98)))


@pytest.fixture(scope="module")
def found():
    return figure.measure(SMALL)


def test_the_statements_hold_for_a_smaller_network(found):
    assert [statement for statement in figure.judge(found) if not statement.holds] == []


def test_the_variance_is_that_of_running_the_recurrence_step_by_step():
    nu, theta = jnp.asarray([0.1, 0.7]), jnp.asarray([0.4, 3.0])
    gain = jnp.asarray([1.0, 0.5])
    key, length, sequences = jax.random.key(0), 40, 3
    noise = np.asarray(jax.random.normal(key, (length, sequences, 4)), np.float64) * 0.5**0.5
    drive = np.asarray(gain, np.float64) * (noise[..., :2] + 1j * noise[..., 2:])
    decay = np.exp(-np.asarray(nu, np.float64) + 1j * np.asarray(theta, np.float64))
    state, squares = np.zeros((sequences, 2), complex), []
    for t in range(length):
        state = decay * state + drive[t]
        squares.append(np.abs(state) ** 2)
    expected = np.mean(squares[length // 2 :], axis=(0, 1))
    found = figure.mean_square(key, nu, theta, gain, sequences, length)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_another_gain_refutes_the_statement_about_gamma(found):
    doubled = [x._replace(variance=2 * x.variance) for x in found]
    assert [statement.holds for statement in figure.judge(doubled)] == [False, False]


def test_every_state_is_a_point_of_its_kind(found):
    (axes,) = figure.draw(found).axes
    kinds = {points.get_label(): points.get_offsets() for points in axes.collections}
    assert set(kinds) == {"without gamma", "with gamma"}
    assert [len(points) for points in kinds.values()] == [128, 128]
    room, variance = np.asarray(kinds["without gamma"]).T
    np.testing.assert_allclose(np.median(variance * room), 1.0, atol=0.1)
    assert axes.get_xscale() == axes.get_yscale() == "log"
