"""The metric against each searched field, one at a time."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from lru_tune.drawing import PANELS_A_ROW, explain_empty, many, new_plot, new_row
from lru_tune.files import run_directory as runs
from lru_tune.plots.fields.dimensions import as_axis, dimensions
from lru_tune.plots.palette import GREY, STATUS_COLOURS
from lru_tune.results.reading.frame import STATUS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def slices(
    trials: pd.DataFrame, search: dict[str, Any], metric: str = runs.VAL_ACCURACY
) -> "Figure":
    """Draw one panel for each searched field that varies: each trial's best value against the field.

    Filled: completed trials; hollow: others, which trained for fewer steps. Trials of the same choice are
    side by side.

    Args:
      trials: of one experiment, as `load_runs` returns them.
      search: the `search` block of its space.
      metric: the metric to draw.
    """
    found = dimensions(trials, search)
    if not found:
        canvas, axes = new_plot(1, 1, size=(6, 1.5))
        explain_empty(axes[0, 0], "no searched field varies among the trials")
        return canvas
    canvas, panels = new_row(len(found), width=3.1, height=2.6, sharey=True)
    for panel, dimension in zip(panels, found, strict=True):
        for status, group in trials[trials[metric].notna()].groupby(STATUS):
            colour = STATUS_COLOURS.get(str(status), GREY)
            panel.scatter(
                dimension.spread_places[group.index],
                group[metric],
                s=20,
                facecolor=colour if status == "completed" else "none",
                edgecolor=colour,
                alpha=0.8,
                label=str(status),
                rasterized=many(trials.index),
            )
        as_axis(panel, dimension, "x")
    for panel in panels[::PANELS_A_ROW]:
        panel.set_ylabel(metric)
    canvas.legend(
        *panels[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize="small",
    )
    return canvas
