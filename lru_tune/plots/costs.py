"""Where the time of a search went, and how fast its trials were."""

from typing import TYPE_CHECKING

import pandas as pd

from lru_tune import runs
from lru_tune.canvas import add_legend, many, new_plot
from lru_tune.plots.palette import GREY, INK, PURPLE, STATUS_COLOURS
from lru_tune.results.costs import PACE, STARTUP, TRAINING
from lru_tune.results.frame import STATUS, TRIAL

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def cost_bars(costs: pd.DataFrame, wall_seconds: float | None = None) -> "Figure":
    """Draw where the seconds went, and the pace of every trial.

    Left: start-up (mostly compilation) and training with evaluation, summed by how trials ended; beside
    them the wall time, where known. Less wall time than trials need in sum means that they ran side by side;
    more, that devices waited. Right: median examples a second of every trial.

    Args:
      costs: as `lru_tune.results.costs.costs` returns them.
      wall_seconds: of search and confirmation; None if not known.
    """
    canvas, axes = new_plot(1, 2, size=(9, 3.6))
    left, right = axes.flat
    sums = costs.groupby(STATUS)[[STARTUP, TRAINING]].sum() / 60
    sums = sums[sums[TRAINING] > 0]
    # Greys and purple: the colours of the panel beside it are those of how trials ended.
    left.barh(sums.index, sums[TRAINING], color=GREY, label="training and evaluation")
    left.barh(
        sums.index, sums[STARTUP], left=sums[TRAINING], color=PURPLE, label="start-up, estimated"
    )
    if wall_seconds is not None:
        left.barh(
            ["wall time"],
            [wall_seconds / 60],
            color="none",
            edgecolor=INK,
            label="search and confirmation",
        )
    left.set(xlabel="minutes")
    left.grid(visible=False, axis="y")
    add_legend(left, loc="upper center", bbox_to_anchor=(0.5, -0.2))
    paced = costs.dropna(subset=[PACE]).reset_index(drop=True)
    for status, group in paced.groupby(STATUS):
        right.scatter(
            group.index + 1,
            group[PACE],
            s=16,
            color=STATUS_COLOURS.get(str(status), GREY),
            label=str(status),
            rasterized=many(paced[TRIAL]),
        )
    right.set(xlabel="trial", ylabel=runs.EXAMPLES_PER_SECOND.replace("_", " "))
    right.set_ylim(0, 1.1 * paced[PACE].max() if paced[PACE].max() > 0 else 1)
    right.locator_params(axis="x", integer=True)
    add_legend(right, loc="upper center", bbox_to_anchor=(0.5, -0.2), columns=3)
    return canvas
