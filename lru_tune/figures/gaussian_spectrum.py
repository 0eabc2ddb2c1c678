"""Figure 2: the eigenvalues of a Gaussian matrix are spread evenly over the unit disk (circular law)."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

from lru_tune.drawing import as_complex_plane, draw_circle, new_canvas
from lru_tune.figures.figure_result import FigureResult, Statement, long_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

KOLMOGOROV_95 = 1.36  # of independent points, 95 % stay within this / sqrt(n) of their distribution


class Settings(NamedTuple):
    """Seed and widths N of the matrices; the paper does not state its widths."""

    seed: int = 0
    widths: tuple[int, ...] = (64, 256, 1024)


def spectrum(seed: int, n: int) -> np.ndarray:
    """Return the eigenvalues (n,) of a real matrix with normal entries of variance 1/n."""
    matrix = np.random.default_rng((seed, n)).normal(scale=n**-0.5, size=(n, n))
    return np.linalg.eigvals(matrix)


def distance_from_disk(eigenvalues: np.ndarray) -> float:
    """Return the largest difference over r of the share inside radius r from r^2, at most 1."""
    return float(stats.kstest(np.abs(eigenvalues) ** 2, "uniform").statistic)


def measure(settings: Settings) -> dict[int, np.ndarray]:
    """Return the eigenvalues (N,) of one matrix for each width N."""
    return {n: spectrum(settings.seed, n) for n in settings.widths}


def judge(spectra: dict[int, np.ndarray]) -> list[Statement]:
    """Check the statements of the figure."""
    distances = {n: distance_from_disk(spectra[n]) for n in spectra}
    narrowest, widest = min(spectra), max(spectra)
    # Eigenvalues come in conjugate pairs of equal modulus, of which one is free.
    allowed = KOLMOGOROV_95 / (widest / 2) ** 0.5
    radius = float(np.abs(spectra[widest]).max())
    listed = ", ".join(f"N = {n}: {distance:.4f}" for n, distance in distances.items())
    return [
        Statement(
            f"for N = {widest} the share of eigenvalues inside radius r is r^2 within {allowed:.3f} "
            "(95 % bound of independent pairs)",
            bool(distances[widest] <= allowed),
            f"largest difference {distances[widest]:.4f}",
        ),
        Statement(
            f"the difference is smaller for N = {widest} than for N = {narrowest}",
            distances[widest] < distances[narrowest],
            listed,
        ),
        Statement(
            f"for N = {widest} the largest modulus is 1 within 0.05",
            abs(radius - 1.0) <= 0.05,
            f"{radius:.4f}",
        ),
    ]


def draw(spectra: dict[int, np.ndarray]) -> "Canvas":
    """Draw one complex plane for each width, and the share inside each radius."""
    columns = len(spectra) + 1
    canvas, panels = new_canvas(1, columns, size=(3.6 * columns, 3.8))
    radius = np.linspace(0.0, 1.1, 200)
    shares = panels[0, -1]
    for axes, (n, eigenvalues) in zip(panels[0], spectra.items(), strict=False):
        size = np.clip(2000.0 / n, 2.0, 12.0)
        axes.scatter(eigenvalues.real, eigenvalues.imag, s=size, linewidths=0)
        draw_circle(axes, 1.0)
        as_complex_plane(axes)
        axes.set_title(f"N = {n}")
        share = np.searchsorted(np.sort(np.abs(eigenvalues)), radius, side="right") / n
        shares.plot(radius, share, label=f"N = {n}")
    shares.plot(radius, np.minimum(radius**2, 1.0), "k--", linewidth=1.0, label="$r^2$")
    shares.set(xlabel="radius r", ylabel="share inside r", title="Circular law", xlim=(0.0, 1.1))
    shares.legend()
    return canvas


FULL_SIZE = Settings()


def compute(settings: Settings = FULL_SIZE) -> FigureResult:
    """Compute the figure."""
    spectra = measure(settings)
    return FigureResult(
        settings=settings._asdict(),
        statements=judge(spectra),
        columns=long_table(
            [{"width": n, "real": x.real, "imaginary": x.imag} for n, x in spectra.items()]
        ),
        draw=lambda: draw(spectra),
    )
