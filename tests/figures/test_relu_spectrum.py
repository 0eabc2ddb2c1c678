import numpy as np

from lru_tune.figures import relu_spectrum as figure

SMALL = figure.Settings(length=256, band=4, signals=20)


def test_the_statements_hold_for_fewer_signals():
    assert [
        statement for statement in figure.compute(SMALL).statements if not statement.holds
    ] == []


def test_shares_of_energy_are_parsevals():
    signals = np.random.default_rng(0).normal(size=(3, 64))
    energy = figure.energy_by_frequency(signals)
    np.testing.assert_allclose(energy.sum(axis=1), 1.0)
    mean = signals.mean(axis=1)
    np.testing.assert_allclose(energy[:, 0], 64 * mean**2 / (signals**2).sum(axis=1))


def test_a_rectified_sine_has_the_energies_of_its_fourier_series():
    wave = np.maximum(np.sin(2 * np.pi * np.arange(4096) / 4096), 0.0)
    energy = figure.energy_by_frequency(wave)
    # 1/pi + sin(x)/2 - (2/pi) sum over even n of cos(n x) / (n^2 - 1); mean square 1/4.
    expected = [4 / np.pi**2, 1 / 2, 8 / (9 * np.pi**2), 0.0, 8 / (225 * np.pi**2)]
    np.testing.assert_allclose(energy[:5], expected, atol=1e-6)


def test_without_the_relu_nothing_leaks():
    spectra = figure.measure(SMALL)
    unchanged = spectra._replace(energy_after=spectra.energy_before)
    assert [statement.holds for statement in figure.judge(SMALL, unchanged)] == [True, False]


def test_signal_and_spectrum_are_drawn_before_and_after():
    time, spectrum = figure.compute(SMALL).draw().axes
    before, after = (line.get_ydata() for line in time.lines)
    np.testing.assert_array_equal(np.maximum(before, 0.0), after)
    assert spectrum.get_yscale() == "log"
    assert spectrum.lines[0].get_xdata().tolist() == [1, 2, 3, 4]
    assert spectrum.lines[1].get_xdata().max() > 4
