"""Creates matplotlib figures and panels without pyplot and its global state."""

import importlib.util
from collections.abc import Sized
from typing import TYPE_CHECKING, Any

import numpy as np

from lru_tune.errors import ResourcesMissing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

PANELS_A_ROW = 3
MOST_MARKS = 1000  # with more, the marks of a plot are stored as one image


def require_matplotlib() -> None:
    """Check that matplotlib is installed, before minutes of computation.

    Raises:
      ResourcesMissing: matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ResourcesMissing("figures.no-matplotlib")


def new_canvas(
    rows: int, columns: int, *, size: tuple[float, float], sharey: bool = False
) -> "tuple[Canvas, np.ndarray]":
    """Return a matplotlib figure and its panels.

    Args:
      rows: number of rows of panels.
      columns: number of columns of panels.
      size: width and height of the figure in inches.
      sharey: whether all panels share their vertical scale.

    Returns:
      The figure and its axes (rows, columns).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=size, layout="constrained")
    FigureCanvasAgg(canvas)
    return canvas, canvas.subplots(rows, columns, sharey=sharey, squeeze=False)


def new_plot(
    rows: int, columns: int, *, size: tuple[float, float], sharey: bool = False
) -> "tuple[Canvas, np.ndarray]":
    """Return a figure as `new_canvas` does, whose panels have a grid and no box."""
    canvas, axes = new_canvas(rows, columns, size=size, sharey=sharey)
    for panel in axes.flat:
        panel.grid(alpha=0.2, color="black", linewidth=0.6)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    return canvas, axes


def new_row(
    count: int, *, width: float, height: float, sharey: bool = False
) -> "tuple[Canvas, list[Axes]]":
    """Return a figure with its panels in rows of at most PANELS_A_ROW.

    Args:
      count: number of panels, at least 1.
      width: of one panel in inches.
      height: of one panel in inches.
      sharey: whether all panels share their vertical scale.
    """
    columns = min(count, PANELS_A_ROW)
    rows = -(-count // columns)
    canvas, axes = new_plot(rows, columns, size=(width * columns, height * rows), sharey=sharey)
    for spare in axes.flat[count:]:
        spare.remove()
    return canvas, list(axes.flat[:count])


def add_legend(axes: "Axes", columns: int = 1, **options: Any) -> None:
    """Add a legend without a frame if anything in the panel has a label."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize="small", ncols=columns, **options)


def explain_empty(axes: "Axes", text: str) -> None:
    """Write into an empty panel why it is empty."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", wrap=True)


def keep_within(axes: "Axes", low: float, high: float) -> None:
    """Limit the horizontal axis to possible values; intervals of two seeds can extend far beyond them.

    Args:
      axes: the panel.
      low: smallest possible value.
      high: largest possible value.
    """
    margin = 0.02 * (high - low)
    left, right = axes.get_xlim()
    axes.set_xlim(max(left, low - margin), min(right, high + margin))


def many(things: Sized) -> bool:
    """Return whether a plot has more than MOST_MARKS marks, which would make report.html too large."""
    return len(things) > MOST_MARKS


def draw_circle(axes: "Axes", radius: float, color: str = "black") -> None:
    """Draw a circle around the origin of a complex plane."""
    angle = np.linspace(0.0, 2.0 * np.pi, 400)
    axes.plot(radius * np.cos(angle), radius * np.sin(angle), color=color, linewidth=1.0)


def as_complex_plane(axes: "Axes", half_width: float = 1.15, centre: complex = 0j) -> None:
    """Give both axes the same scale, and label them.

    Args:
      axes: the panel.
      half_width: of the visible square.
      centre: of the visible square.
    """
    axes.set(
        xlim=(centre.real - half_width, centre.real + half_width),
        ylim=(centre.imag - half_width, centre.imag + half_width),
        aspect="equal",
        xlabel="real part",
        ylabel="imaginary part",
    )
