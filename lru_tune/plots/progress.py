"""The best value of a search against the number of trials and the device-hours."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lru_tune.drawing import add_legend, many, new_plot
from lru_tune.files import run_directory as runs
from lru_tune.files.run_directory import Mode
from lru_tune.plots.palette import GREY, INK, STATUS_COLOURS
from lru_tune.results.judging.best import ELIGIBLE
from lru_tune.results.reading.frame import STATUS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def best_so_far(
    trials: pd.DataFrame,
    metric: str = runs.VAL_ACCURACY,
    mode: Mode = "max",
    *,
    share: float = 1.0,
) -> "Figure":
    """Draw every trial's value and the best so far, against trials and against device-hours.

    Trials are in the order in which they were proposed; concurrent trials count one after the other. Trials
    that diverged or failed count as time only.

    Args:
      trials: of one experiment, as `load_runs` returns them.
      metric: the metric to draw.
      mode: whether the metric is maximised or minimised.
      share: number of devices of one trial, as from `device_share`.
    """
    canvas, axes = new_plot(1, 2, size=(9, 3.0), sharey=True)
    values = trials[metric].astype("float64")
    counted = values.where(trials[STATUS].isin(ELIGIBLE))
    best = (counted.cummax() if mode == "max" else counted.cummin()).ffill()
    places = {
        "trials, in the order proposed": np.arange(1, len(trials) + 1),
        "device-hours": trials[runs.DEVICE_SECONDS].fillna(0.0).cumsum().to_numpy() * share / 3600,
    }
    for panel, (label, x) in zip(axes.flat, places.items(), strict=True):
        for status, group in trials[values.notna()].groupby(STATUS):
            panel.scatter(
                x[group.index],
                values[group.index],
                s=14,
                color=STATUS_COLOURS.get(str(status), GREY),
                alpha=0.75,
                label=str(status),
                rasterized=many(values),
            )
        panel.step(x, best, where="post", color=INK, linewidth=1.6, label="best so far")
        panel.set_xlabel(label)
        panel.locator_params(axis="x", nbins=6)
    axes[0, 0].locator_params(axis="x", integer=True)
    axes[0, 0].set_ylabel(metric)
    add_legend(axes[0, 1], loc="upper left", bbox_to_anchor=(1, 1))
    return canvas
