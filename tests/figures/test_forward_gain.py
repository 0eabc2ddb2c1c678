import jax
import numpy as np
import pytest
from scipy import integrate

from lru_tune.figures import forward_gain as figure
from lru_tune.models.eigenvalues import Ring

SMALL = figure.Settings(
    n_states=200, n_inputs=200, length=1000, runs=6, rings=((0.5, 0.9), (0.9, 0.98))
)


@pytest.mark.parametrize(("r_min", "r_max"), [(0.0, 0.9), (0.5, 0.99), (0.999, 0.9999)])
def test_the_prediction_is_the_mean_of_the_single_gains_over_the_ring(r_min, r_max):
    mean, _ = integrate.quad(lambda area: 1 / (1 - area), r_min**2, r_max**2)
    assert figure.predicted_gain(r_min, r_max) == pytest.approx(mean / (r_max**2 - r_min**2))


def test_a_ring_without_width_has_the_limit_of_a_narrow_one():
    assert figure.predicted_gain(0.9, 0.9) == pytest.approx(
        figure.predicted_gain(0.9, 0.90001), 1e-3
    )


@pytest.fixture(scope="module")
def gains():
    return figure.measure(SMALL)


def test_a_smaller_network_agrees_with_random_input_and_scatters_more_with_constant(gains):
    # Six runs of so few states, with the heavy tail of constant input, need not lie around their mean.
    random, _, spread = figure.judge(SMALL, gains)
    assert random.holds, random.measured
    assert spread.holds, spread.measured


def test_a_run_on_a_circle_has_the_gain_of_its_geometric_series():
    ring = Ring(0.5, 0.5, 2 * np.pi)
    gains = np.asarray([figure.one_run(jax.random.key(i), ring, 300, 300, 60) for i in range(10)])
    # Over 10 runs of 300 states the mean scatters by 2 %.
    np.testing.assert_allclose(gains.mean(axis=0), 1 / (1 - 0.25), rtol=0.06)


def test_a_wrong_formula_is_refuted(gains):
    wrong = gains._replace(predicted={ring: 1.5 * x for ring, x in gains.predicted.items()})
    assert not figure.judge(SMALL, wrong)[0].holds


def test_every_ring_has_a_box_for_each_input_and_the_prediction(gains):
    (axes,) = figure.draw(gains).axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["[0.5, 0.9]", "[0.9, 0.98]"]
    assert len(axes.patches) == 2 * len(SMALL.rings)
    lines = axes.collections[0].get_segments()
    np.testing.assert_allclose([line[0][1] for line in lines], list(gains.predicted.values()))
    medians = {float(line.get_ydata()[0]) for line in axes.lines}
    for ring in SMALL.rings:
        assert np.median(gains.measured[ring]["random"]) in medians
