import numpy as np

from lru_tune.figures import ring_spectrum as figure
from lru_tune.models.eigenvalues import Ring

SMALL = figure.Settings(n=256, rings=(figure.DISK, Ring(0.5, 0.9, 2 * np.pi), Ring(0.9, 0.99, 0.3)))


def test_the_statements_hold_for_fewer_eigenvalues():
    assert [
        statement for statement in figure.compute(SMALL).statements if not statement.holds
    ] == []


def test_a_ring_in_place_of_the_disk_is_told_from_a_gaussian_matrix():
    spectra = figure.measure(SMALL)
    wrong = {**spectra.rings, figure.DISK: spectra.rings[SMALL.rings[1]]}
    holds = [statement.holds for statement in figure.judge(spectra._replace(rings=wrong))]
    assert holds == [False, False, True, False]


def test_an_eigenvalue_off_its_ring_is_noticed():
    spectra = figure.measure(SMALL)
    ring = SMALL.rings[2]
    moved = {**spectra.rings, ring: 1.05 * spectra.rings[ring]}
    assert not figure.judge(spectra._replace(rings=moved))[2].holds


def test_rings_are_named_by_radii_and_phase():
    assert figure.label(Ring(0.9, 0.999, np.pi / 10)) == "r in [0.9, 0.999], phase up to pi/10"
    assert figure.label(figure.DISK) == "r in [0, 1], phase up to 2 pi"


def test_the_gaussian_matrix_and_every_ring_have_a_panel_with_their_circles():
    gaussian, *rings = figure.draw(figure.measure(SMALL)).axes
    assert len(rings) == len(SMALL.rings)
    assert len(gaussian.lines) == 1
    for axes, ring in zip(rings, SMALL.rings, strict=True):
        radii = sorted(np.hypot(*line.get_data()).mean() for line in axes.lines)
        np.testing.assert_allclose(radii, sorted([ring.r_min, ring.r_max, 1.0]))
        assert len(axes.collections[0].get_offsets()) == SMALL.n
