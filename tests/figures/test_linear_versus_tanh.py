import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.figures import linear_versus_tanh as figure

SMALL = figure.Settings(
    seeds=(0, 1), rates=(1e-3, 1e-2), steps=8, length=20, sequences=4, n_hidden=10
)


def made_up(linear: list[float], tanh: list[float], starts: list[float]) -> figure.Curves:
    """Curves of one seed a start, all reaching LEARNED at the given step of each rate."""

    def curves(steps: list[float]) -> np.ndarray:
        step = np.arange(100.0)
        by_rate = np.stack([np.where(step < x, 1.0, 0.001 + 1e-6 * x) for x in steps])
        return np.stack([by_rate] * len(starts))

    loss = {"linear": curves(linear), "tanh": curves(tanh)}
    loss["linear"][:, :, 0] = np.asarray(starts)[:, None]
    return figure.Curves(loss, np.asarray(starts) <= figure.STABLE_START)


@pytest.fixture(scope="module")
def curves():
    return figure.measure(SMALL)


TWO_RATES = figure.Settings(seeds=(0, 1), rates=(1e-4, 3e-3), steps=100)


def test_the_kernel_is_the_papers():
    expected = [0.1 * np.exp(-0.015 * k) * np.cos(0.04 * k) ** 2 for k in (0, 1, 99)]
    np.testing.assert_allclose(figure.kernel(100)[[0, 1, 99]], expected)


def test_outputs_are_the_causal_convolution_of_the_inputs():
    inputs, outputs = figure.sequences(SMALL, seed=0)
    h = figure.kernel(SMALL.length)
    for t in range(SMALL.length):
        expected = sum(h[j] * inputs[t - j] for j in range(t + 1))
        np.testing.assert_allclose(outputs[t], expected, atol=1e-12)


def test_inputs_have_the_papers_form():
    inputs, _ = figure.sequences(SMALL, seed=3)
    a, c = np.random.default_rng(3).uniform(0.0, 1.0, (2, SMALL.sequences))
    k = 7
    np.testing.assert_allclose(inputs[k], np.sin(0.05 * a * k) * np.cos(0.05 * c * k) ** 2)


def test_initial_weights_have_glorots_variance():
    params = figure.glorot(0, 400)
    assert float(params["A"].std()) == pytest.approx(400**-0.5, rel=0.02)
    for name in ("B", "C"):
        assert float(params[name].std()) == pytest.approx((2 / 401) ** 0.5, rel=0.2)


def test_a_linear_network_convolves_with_the_powers_of_its_matrix():
    params = figure.glorot(1, 10)
    inputs, _ = figure.sequences(SMALL, seed=1)
    A, B, C = (np.asarray(params[name], np.float64) for name in "ABC")
    response = [(C @ np.linalg.matrix_power(A, k) @ B).item() for k in range(SMALL.length)]
    expected = [np.convolve(inputs[:, i], response)[: SMALL.length] for i in range(SMALL.sequences)]
    found = figure.outputs_of(params, jnp.asarray(inputs), "linear")
    np.testing.assert_allclose(found, np.stack(expected, axis=1), atol=1e-5)


def test_with_tanh_the_states_stay_bounded_and_small_ones_are_linear():
    params = {name: 3.0 * x for name, x in figure.glorot(1, 10).items()}
    inputs = jnp.ones((50, 2))
    bound = float(jnp.abs(params["C"]).sum())
    assert float(jnp.abs(figure.outputs_of(params, inputs, "tanh")).max()) <= bound
    params = figure.glorot(1, 10)
    linear, tanh = (figure.outputs_of(params, 1e-4 * inputs, name) for name in figure.RIVALS)
    np.testing.assert_allclose(linear, tanh, rtol=1e-4, atol=1e-9)


def test_training_starts_alike_at_every_rate_and_learns(curves):
    for name in figure.RIVALS:
        loss = curves.loss[name]
        assert loss.shape == (2, 2, 8)
        np.testing.assert_array_equal(loss[:, 0, 0], loss[:, 1, 0])
        assert np.all(loss[:, :, -1] < loss[:, :, 0])


def test_the_first_step_below_a_level_counts_and_none_is_infinite():
    loss = np.array([[0.5, 0.1, 0.3, 0.05], [0.5, 0.5, 0.5, 0.5]])
    assert figure.steps_to(loss, 0.2).tolist() == [1.0, np.inf]


def test_the_claim_needs_fewer_steps_at_every_gentle_rate():
    wins = figure.judge(TWO_RATES, made_up([10, 90], [20, 10], [1.0, 50.0]))
    assert [statement.holds for statement in wins] == [True, True, False]
    loses = figure.judge(TWO_RATES, made_up([30, 90], [20, 10], [1.0, 50.0]))
    assert [statement.holds for statement in loses] == [False, True, True]


def test_where_half_the_draws_never_learn_the_median_is_never():
    curves = made_up([10, 200], [20, 10], [1.0, 50.0])
    text = figure.judge(TWO_RATES, curves)[0].measured
    assert text == "rate 0.0001: 10 against 20; rate 0.003: more than 100 against 10"


def test_the_kernel_and_every_rate_have_a_panel_with_all_draws_and_the_median(curves):
    one_of_two = curves._replace(stable=np.array([True, False]))
    kernel, *rates = figure.draw(SMALL, one_of_two).axes
    np.testing.assert_allclose(kernel.lines[0].get_ydata(), figure.kernel(SMALL.length))
    assert [axes.get_title() for axes in rates] == ["learning rate 0.001", "learning rate 0.01"]
    drawn = [line.get_ydata() for line in rates[1].lines]
    for name in figure.RIVALS:
        for curve in curves.loss[name][:, 1]:
            assert any(np.array_equal(curve, line) for line in drawn)
