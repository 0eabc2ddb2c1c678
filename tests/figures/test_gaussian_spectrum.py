import numpy as np
import pytest

from lru_tune.figures import gaussian_spectrum as figure

SMALL = figure.Settings(widths=(32, 200))


def test_the_statements_hold_for_smaller_matrices():
    result = figure.compute(SMALL)
    assert [statement for statement in result.statements[:2] if not statement.holds] == []


def test_eigenvalues_are_those_of_a_real_matrix_of_variance_one_over_n():
    n = 200
    eigenvalues = figure.spectrum(0, n)
    np.testing.assert_allclose(np.sort(eigenvalues.imag), -np.sort(-eigenvalues.imag)[::-1])
    # The trace is normal with variance 1; the sum of squares is the trace of A^2, with mean 1.
    assert abs(eigenvalues.sum().imag) < 1e-9
    assert abs(eigenvalues.sum().real) < 4.0


def test_the_distance_is_nothing_on_the_disk_and_large_on_a_circle():
    even = np.sqrt((np.arange(1000) + 0.5) / 1000) * np.exp(1j * np.arange(1000))
    assert figure.distance_from_disk(even) == pytest.approx(0.0005)
    assert figure.distance_from_disk(0.5 * even) == pytest.approx(0.75, abs=0.001)


def test_a_matrix_of_another_variance_is_told_apart():
    spectra = {n: 1.2 * x for n, x in figure.measure(SMALL).items()}
    assert not figure.judge(spectra)[0].holds


def test_every_eigenvalue_is_a_point_inside_its_panel_or_beyond_the_edge():
    spectra = figure.measure(SMALL)
    first, second, shares = figure.draw(spectra).axes
    assert [len(axes.collections[0].get_offsets()) for axes in (first, second)] == [32, 200]
    assert first.get_title() == "N = 32"
    assert [line.get_label() for line in shares.lines] == ["N = 32", "N = 200", "$r^2$"]
    assert shares.lines[1].get_ydata()[-1] == 1.0
