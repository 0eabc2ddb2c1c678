"""The metric over pairs of searched fields."""

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.spatial import Delaunay, QhullError

from lru_tune.drawing import explain_empty, many, new_plot, new_row
from lru_tune.files import run_directory as runs
from lru_tune.plots.fields.dimensions import Dimension, as_axis, dimensions
from lru_tune.plots.palette import good_to_best
from lru_tune.results.judging.best import ELIGIBLE
from lru_tune.results.reading.frame import STATUS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEAST_POINTS = 8  # that a surface needs
LEVELS = 8
MOST_PAIRS = 6


def contour_pairs(
    trials: pd.DataFrame,
    search: dict[str, Any],
    fields: list[str],
    metric: str = runs.VAL_ACCURACY,
) -> "Figure":
    """Draw one panel for each pair of fields: trials as dots, and the metric interpolated linearly.

    The surface ends at the outermost trials. There is none for fields with choices, or below eight trials.

    Args:
      trials: of one experiment, as `load_runs` returns them.
      search: the `search` block of its space.
      fields: dotted paths, the most important first; the first MOST_PAIRS pairs are drawn.
      metric: the metric to draw.
    """
    usable = trials[trials[STATUS].isin(ELIGIBLE) & trials[metric].notna()].reset_index(drop=True)
    found = {d.field: d for d in dimensions(usable, search)}
    pairs = list(combinations([found[name] for name in fields if name in found], 2))[:MOST_PAIRS]
    if not pairs:
        canvas, axes = new_plot(1, 1, size=(6, 1.5))
        explain_empty(axes[0, 0], "fewer than two searched fields vary among the trials")
        return canvas
    canvas, panels = new_row(len(pairs), width=3.2, height=2.9)
    values = usable[metric].to_numpy(dtype="float64")
    for panel, (across, up) in zip(panels, pairs, strict=True):
        _surface(panel, across, up, values)
        dots = panel.scatter(
            across.spread_places,
            up.spread_places,
            c=values,
            cmap=good_to_best(),
            s=22,
            edgecolor="black",
            linewidth=0.5,
            rasterized=many(values),
        )
        as_axis(panel, across, "x")
        as_axis(panel, up, "y")
    canvas.colorbar(dots, ax=panels, label=metric, shrink=0.8)
    return canvas


def _surface(panel: "Axes", across: Dimension, up: Dimension, values: np.ndarray) -> None:
    from matplotlib.tri import Triangulation

    points = np.column_stack([across.places, up.places])
    known = np.isfinite(points).all(axis=1)
    if not (across.ordered and up.ordered) or known.sum() < LEAST_POINTS:
        return
    if values[known].min() == values[known].max():
        return
    try:
        triangles = Delaunay(points[known]).simplices
    except QhullError:  # all points are on one line
        return
    surface = Triangulation(points[known, 0], points[known, 1], triangles)
    colours = good_to_best()
    panel.tricontourf(surface, values[known], levels=LEVELS, cmap=colours, alpha=0.45)
