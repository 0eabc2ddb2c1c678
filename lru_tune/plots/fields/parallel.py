"""All searched fields at once, with one line for each trial."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lru_tune.drawing import explain_empty, many, new_plot
from lru_tune.files import run_directory as runs
from lru_tune.files.run_directory import Mode
from lru_tune.plots.fields.dimensions import dimensions, short
from lru_tune.plots.palette import good_to_best
from lru_tune.results.judging.best import ELIGIBLE
from lru_tune.results.reading.frame import STATUS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAP = 0.02  # of an axis, between a line and the label of a tick


def parallel_coordinates(
    trials: pd.DataFrame,
    search: dict[str, Any],
    metric: str = runs.VAL_ACCURACY,
    mode: Mode = "max",
) -> "Figure":
    """Draw every trial with a value as a line over the searched fields, coloured by its rank.

    The best trials are on top. Fields are on the scale of the search, with trials of the same choice side by
    side; the metric is the last axis.

    Args:
      trials: of one experiment, as `load_runs` returns them.
      search: the `search` block of its space.
      metric: the metric that ranks the trials.
      mode: whether the metric is maximised or minimised.
    """
    from matplotlib.collections import LineCollection

    found = dimensions(trials, search)
    canvas, axes = new_plot(1, 1, size=(9, 3.8))
    panel = axes[0, 0]
    values = trials[metric].where(trials[STATUS].isin(ELIGIBLE)).astype("float64").to_numpy()
    usable = np.isfinite(values)
    if not found or usable.sum() < 2:
        explain_empty(panel, "fewer than two trials with values, or no searched field varies")
        return canvas
    low, high = values[usable].min(), values[usable].max()
    last = (values - low) / ((high - low) or 1.0)
    table = np.column_stack([*(dimension.spread_places for dimension in found), last])[usable]
    rank = pd.Series(values[usable]).rank(ascending=mode == "max", pct=True).to_numpy()
    order = np.argsort(rank, kind="stable")
    across = np.arange(table.shape[1], dtype=float)
    lines = [np.column_stack([across, row])[np.isfinite(row)] for row in table[order]]
    panel.add_collection(
        LineCollection(
            lines,
            colors=good_to_best()(rank[order]),
            linewidths=0.8 + 1.2 * rank[order],
            alpha=0.8,
            rasterized=many(lines),
        )
    )
    ends = {f"{low:.3g}": 0.0, f"{high:.3g}": 1.0}
    for place, ticks in enumerate([*(dimension.ticks for dimension in found), ends]):
        panel.axvline(place, color="black", linewidth=0.8)
        for text, height in ticks.items():
            side = "top" if height < GAP else "bottom"  # avoids the lines that meet at the end
            panel.text(place + GAP, height, text, fontsize="small", va=side, zorder=3)
    names = [*(short(dimension.field) for dimension in found), metric]
    panel.set(xlim=(-0.1, across[-1] + 0.35), ylim=(-0.08, 1.08), yticks=[])
    panel.set_xticks(across, names, fontsize="small", rotation=12)
    panel.spines[["left", "bottom"]].set_visible(False)
    panel.grid(visible=False)
    return canvas
