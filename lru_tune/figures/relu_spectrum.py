"""Figure 6: a ReLU moves energy to frequencies that its input does not contain."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lru_tune.drawing import new_canvas
from lru_tune.figures.figure_result import FigureResult, Statement

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas


class Settings(NamedTuple):
    """Seed, samples, highest frequency of the input in periods per signal, and number of signals."""

    seed: int = 0
    length: int = 1024
    band: int = 8
    signals: int = 200


class Spectra(NamedTuple):
    """Signals (signals, length), before and after the ReLU, and their energies by frequency.

    Attributes:
      before, after: the signals.
      energy_before, energy_after: (signals, length // 2 + 1), shares that sum to 1.
    """

    before: np.ndarray
    after: np.ndarray
    energy_before: np.ndarray
    energy_after: np.ndarray


def smooth_signals(settings: Settings) -> np.ndarray:
    """Return periodic signals (signals, length) with normal amplitudes at frequencies 1 ... band."""
    generator = np.random.default_rng(settings.seed)
    time = np.arange(settings.length) / settings.length
    angle = 2 * np.pi * np.arange(1, settings.band + 1)[:, None] * time
    cosine, sine = generator.normal(size=(2, settings.signals, settings.band))
    return cosine @ np.cos(angle) + sine @ np.sin(angle)


def energy_by_frequency(signals: np.ndarray) -> np.ndarray:
    """Return the share of the energy at 0, 1, ... length / 2 periods, of each signal."""
    energy = np.abs(np.fft.rfft(signals, axis=-1)) ** 2
    energy[..., 1:-1] *= 2  # those between the mean and the fastest stand for two frequencies each
    return energy / energy.sum(axis=-1, keepdims=True)


def measure(settings: Settings) -> Spectra:
    """Draw signals and compute the spectra before and after the ReLU."""
    before = smooth_signals(settings)
    after = np.maximum(before, 0.0)
    return Spectra(before, after, energy_by_frequency(before), energy_by_frequency(after))


def judge(settings: Settings, spectra: Spectra) -> list[Statement]:
    """Check the statements of the figure."""
    before = spectra.energy_before[:, settings.band + 1 :].sum(axis=1)
    after = spectra.energy_after[:, settings.band + 1 :].sum(axis=1)
    return [
        Statement(
            f"no input has more than 1e-12 of its energy above frequency {settings.band}",
            bool(before.max() <= 1e-12),
            f"at most {before.max():.1e}",
        ),
        Statement(
            f"after the ReLU each of {settings.signals} signals has at least 0.1 % of it there",
            bool(after.min() >= 1e-3),
            f"mean {after.mean():.2%}, from {after.min():.2%} to {after.max():.2%}",
        ),
    ]


def draw(settings: Settings, spectra: Spectra) -> "Canvas":
    """Draw the first signal, and the mean spectrum of all."""
    canvas, panels = new_canvas(1, 2, size=(11.0, 3.8))
    time, spectrum = panels[0]
    time.plot(spectra.before[0], color="tab:blue", linewidth=2.5, alpha=0.5, label="signal")
    time.plot(spectra.after[0], color="tab:orange", linewidth=1.2, label="ReLU of it")
    time.set(xlabel="step", ylabel="value", title="One smooth signal", xlim=(0, settings.length))
    time.legend()
    shown = slice(0, 12 * settings.band)
    frequency = np.arange(settings.length // 2 + 1)[shown]
    for energy, color, name in (
        (spectra.energy_before, "tab:blue", "signal"),
        (spectra.energy_after, "tab:orange", "ReLU of it"),
    ):
        mean = energy.mean(axis=0)[shown]
        inside = mean > 1e-12  # rounding below
        spectrum.semilogy(
            frequency[inside], mean[inside], "o-", markersize=3, color=color, label=name
        )
    spectrum.axvline(
        settings.band, color="black", linestyle="--", linewidth=1.0, label="input's band"
    )
    spectrum.set(
        xlabel=f"frequency in periods per {settings.length} steps",
        ylabel="share of the energy",
        title=f"Mean spectrum of {settings.signals} signals",
        ylim=(1e-6, 1.0),
    )
    spectrum.legend()
    return canvas


FULL_SIZE = Settings()


def compute(settings: Settings = FULL_SIZE) -> FigureResult:
    """Compute the figure."""
    spectra = measure(settings)
    return FigureResult(
        settings=settings._asdict(),
        statements=judge(settings, spectra),
        columns={
            "frequency": np.arange(settings.length // 2 + 1),
            "energy_before": spectra.energy_before.mean(axis=0),
            "energy_after": spectra.energy_after.mean(axis=0),
        },
        draw=lambda: draw(settings, spectra),
    )
