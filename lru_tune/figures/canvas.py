"""Empty pictures, without the state that pyplot keeps between them."""

import importlib.util
from typing import TYPE_CHECKING

import numpy as np

from lru_tune.errors import ResourcesMissing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas


def require_matplotlib() -> None:
    """Check that pictures can be drawn, before the minutes that their numbers take.

    Raises:
      ResourcesMissing: matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ResourcesMissing(
            "figures are drawn with matplotlib, which is not installed: "
            "pip install 'lru-tune[figures]'"
        )


def new_canvas(
    rows: int, columns: int, *, size: tuple[float, float], sharey: bool = False
) -> "tuple[Canvas, np.ndarray]":
    """Return a picture and its panels.

    Args:
      rows: of panels.
      columns: of panels.
      size: width and height of the whole in inches.
      sharey: whether all panels have one vertical scale.

    Returns:
      The picture and its axes (rows, columns).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=size, layout="constrained")
    FigureCanvasAgg(canvas)
    return canvas, canvas.subplots(rows, columns, sharey=sharey, squeeze=False)


def draw_circle(axes: "Axes", radius: float, color: str = "black") -> None:
    """Draw a circle around the origin of a complex plane."""
    angle = np.linspace(0.0, 2.0 * np.pi, 400)
    axes.plot(radius * np.cos(angle), radius * np.sin(angle), color=color, linewidth=1.0)


def as_complex_plane(axes: "Axes", half_width: float = 1.15) -> None:
    """Give both axes one scale, centred on the origin, and name them."""
    axes.set(
        xlim=(-half_width, half_width),
        ylim=(-half_width, half_width),
        aspect="equal",
        xlabel="real part",
        ylabel="imaginary part",
    )
