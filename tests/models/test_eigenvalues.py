import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.models.eigenvalues import EIGENVALUES, Ring, input_gain_log, sample_ring

RINGS = [
    Ring(0.0, 1.0, 6.28),
    Ring(0.5, 0.9, 1.0),
    Ring(0.999, 0.9999, 0.314),
    Ring(0.9, 0.9, 6.28),
]


@pytest.mark.parametrize("ring", RINGS)
def test_eigenvalues_start_on_the_ring_uniformly_by_area(ring):
    nu, theta = sample_ring(jax.random.key(0), 20_000, ring)
    modulus, phase = np.exp(-np.asarray(nu, np.float64)), np.asarray(theta)
    assert modulus.min() >= ring.r_min - 1e-6
    assert modulus.max() <= ring.r_max + 1e-6
    assert phase.min() > 0
    assert phase.max() <= ring.max_phase
    if ring.r_max > ring.r_min:
        area = (modulus**2 - ring.r_min**2) / (ring.r_max**2 - ring.r_min**2)
        # The mean of 20,000 uniform numbers is within 5 standard errors of a half.
        assert abs(area.mean() - 0.5) < 5 * (1 / 12 / 20_000) ** 0.5
        assert abs(np.mean(area < 0.1) - 0.1) < 5 * (0.09 / 20_000) ** 0.5
    assert abs(phase.mean() / ring.max_phase - 0.5) < 5 * (1 / 12 / 20_000) ** 0.5


@pytest.mark.parametrize("name", EIGENVALUES)
@pytest.mark.parametrize("ring", RINGS)
def test_all_coordinates_describe_the_same_points(name, ring):
    nu, theta = sample_ring(jax.random.key(1), 64, ring)
    coordinates = EIGENVALUES[name]
    params = coordinates.params(nu, theta)
    assert len(params) == len(coordinates.names)
    re, im = coordinates.value(*params)
    exact = np.exp(-np.asarray(nu, np.float64) + 1j * np.asarray(theta, np.float64))
    # One rounding in float32 of numbers of size at most 2 pi.
    np.testing.assert_allclose(np.asarray(re) + 1j * np.asarray(im), exact, atol=2e-6)


def test_a_full_disk_has_the_moments_of_a_gaussian_matrix_spectrum():
    """The strong circular law behind Lemma 3.2: both are uniform on the unit disk."""
    n = 600
    matrix = np.random.default_rng(0).normal(size=(n, n)) / np.sqrt(n)
    spectrum = np.abs(np.linalg.eigvals(matrix))
    nu, _ = sample_ring(jax.random.key(2), n, Ring(0.0, 1.0, 6.28))
    ours = np.exp(-np.asarray(nu))
    for power in (1, 2, 4):
        assert abs(np.mean(spectrum**power) - np.mean(ours**power)) < 0.06


@pytest.mark.parametrize("modulus", [0.1, 0.9, 0.9999, 1 - 1e-7])
def test_input_gain_is_exact_near_the_unit_circle(modulus):
    nu = -np.log(np.float64(modulus))
    gain = float(jnp.exp(input_gain_log(jnp.float32(nu))))
    assert gain == pytest.approx(np.sqrt(1 - modulus**2), rel=1e-5)
