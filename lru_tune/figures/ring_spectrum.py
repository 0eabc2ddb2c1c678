"""Figure 3: eigenvalues drawn with Lemma 2 on rings; the whole disk looks like a Gaussian matrix."""

from typing import TYPE_CHECKING, NamedTuple

import jax
import numpy as np
from scipy import stats

from lru_tune.drawing import as_complex_plane, draw_circle, new_canvas
from lru_tune.figures import gaussian_spectrum
from lru_tune.figures.figure_result import FigureResult, Statement, long_table
from lru_tune.models.eigenvalues import Ring, sample_ring

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

DISK = Ring(0.0, 1.0, 2 * np.pi)
FLOAT32_ROUNDING = 1e-6  # of a modulus near 1, after logarithm and exponential


class Settings(NamedTuple):
    """Seed, eigenvalues per ring and rings; the paper does not state its rings."""

    seed: int = 0
    n: int = 1024
    rings: tuple[Ring, ...] = (
        DISK,
        Ring(0.5, 0.9, 2 * np.pi),
        Ring(0.9, 0.999, 2 * np.pi),
        Ring(0.9, 0.999, np.pi / 10),
    )


class Spectra(NamedTuple):
    """Eigenvalues: on each ring, and of a Gaussian matrix of the same width; all (n,) complex."""

    rings: dict[Ring, np.ndarray]
    gaussian: np.ndarray


def measure(settings: Settings) -> Spectra:
    """Draw eigenvalues on each ring, and compute those of a Gaussian matrix."""
    keys = jax.random.split(jax.random.key(settings.seed), len(settings.rings))
    drawn = {}
    for key, ring in zip(keys, settings.rings, strict=True):
        nu, theta = sample_ring(key, settings.n, ring)
        drawn[ring] = np.exp(-np.asarray(nu, np.float64) + 1j * np.asarray(theta, np.float64))
    return Spectra(drawn, gaussian_spectrum.spectrum(settings.seed, settings.n))


def full_turn(eigenvalues: np.ndarray) -> np.ndarray:
    """Return the phases as fractions of a turn, in [0, 1)."""
    return np.angle(eigenvalues) / (2 * np.pi) % 1.0


def judge(spectra: Spectra) -> list[Statement]:
    """Check the statements of the figure."""
    ours, gaussian = spectra.rings[DISK], spectra.gaussian
    n = len(ours)
    alone = gaussian_spectrum.KOLMOGOROV_95 / np.sqrt(n)
    # The Gaussian matrix has n / 2 free pairs.
    together = gaussian_spectrum.KOLMOGOROV_95 * np.sqrt(1 / n + 2 / n)
    uniform = {
        "modulus^2": stats.kstest(np.abs(ours) ** 2, "uniform").statistic,
        "phase": stats.kstest(full_turn(ours), "uniform").statistic,
    }
    between = {
        "modulus^2": stats.ks_2samp(np.abs(ours) ** 2, np.abs(gaussian) ** 2).statistic,
        "phase": stats.ks_2samp(full_turn(ours), full_turn(gaussian)).statistic,
    }
    outside, uneven = 0.0, {}
    for ring, drawn in spectra.rings.items():
        modulus = np.abs(drawn)
        outside = max(outside, modulus.max() - ring.r_max, ring.r_min - modulus.min())
        area = (modulus**2 - ring.r_min**2) / (ring.r_max**2 - ring.r_min**2)
        uneven[ring] = stats.kstest(area, "uniform").statistic
    largest_phase = max(
        2 * np.pi * full_turn(drawn).max() / ring.max_phase for ring, drawn in spectra.rings.items()
    )
    return [
        Statement(
            f"on the disk, modulus^2 and phase are uniform within {alone:.3f} (95 % bound)",
            bool(max(uniform.values()) <= alone),
            _listed(uniform),
        ),
        Statement(
            f"modulus^2 and phase of the disk and of a Gaussian matrix of the same width differ by at "
            f"most {together:.3f} (95 % bound)",
            bool(max(between.values()) <= together),
            _listed(between),
        ),
        Statement(
            f"every eigenvalue lies on its ring within {FLOAT32_ROUNDING:g} and below its largest phase",
            bool(outside <= FLOAT32_ROUNDING and largest_phase <= 1.0 + FLOAT32_ROUNDING),
            f"furthest outside {max(outside, 0.0):.1e}, largest phase {largest_phase:.4f} of the limit",
        ),
        Statement(
            f"on every ring the area is covered evenly within {alone:.3f} (95 % bound)",
            bool(max(uneven.values()) <= alone),
            _listed({label(ring): distance for ring, distance in uneven.items()}),
        ),
    ]


def _listed(distances: dict[str, float]) -> str:
    return "; ".join(f"{name}: {distance:.4f}" for name, distance in distances.items())


def label(ring: Ring) -> str:
    """Return a ring's radii and largest phase in words."""
    turns = float(ring.max_phase) / np.pi
    phase = f"{turns:.0f} pi" if turns >= 1 else f"pi/{1 / turns:.0f}"
    return f"r in [{ring.r_min:g}, {ring.r_max:g}], phase up to {phase}"


def draw(spectra: Spectra) -> "Canvas":
    """Draw a complex plane for the Gaussian matrix and one for each ring, with its two circles."""
    columns = len(spectra.rings) + 1
    canvas, panels = new_canvas(1, columns, size=(3.4 * columns, 3.8))
    first, *others = panels[0]
    gaussian = spectra.gaussian
    first.scatter(gaussian.real, gaussian.imag, s=4, linewidths=0, color="tab:orange")
    draw_circle(first, 1.0)
    as_complex_plane(first)
    first.set_title(f"for comparison: Gaussian matrix,\nN = {len(gaussian)}")
    for axes, (ring, drawn) in zip(others, spectra.rings.items(), strict=True):
        axes.scatter(drawn.real, drawn.imag, s=4, linewidths=0, color="tab:blue")
        draw_circle(axes, 1.0)
        for radius in (ring.r_min, ring.r_max):
            draw_circle(axes, float(radius), color="tab:red")
        as_complex_plane(axes)
        axes.set_title(label(ring).replace(", phase", ",\nphase"))
    return canvas


FULL_SIZE = Settings()


def compute(settings: Settings = FULL_SIZE) -> FigureResult:
    """Compute the figure."""
    spectra = measure(settings)
    blocks = [
        {
            "r_min": ring.r_min,
            "r_max": ring.r_max,
            "max_phase": ring.max_phase,
            "real": drawn.real,
            "imaginary": drawn.imag,
        }
        for ring, drawn in spectra.rings.items()
    ]
    rings = [label(ring) for ring in settings.rings]
    return FigureResult(
        settings={**settings._asdict(), "rings": rings},
        statements=judge(spectra),
        columns=long_table(blocks),
        draw=lambda: draw(spectra),
    )
