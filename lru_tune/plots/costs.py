"""Where the time of a search went, and how fast its trials were."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lru_tune import runs
from lru_tune.canvas import add_legend, many, new_plot
from lru_tune.plots.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, STATUS_COLOURS
from lru_tune.results.costs import PACE, STARTUP, TRAINING
from lru_tune.results.frame import STATUS, TRIAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


IDLE, WALL = "idle", "wall time"
PARTS = {
    runs.TRAIN_SECONDS: ("training", BLUE),
    runs.EVAL_SECONDS: ("evaluation", PURPLE),
    runs.COMPILE_SECONDS: ("compiling", ORANGE),
    "other": ("checkpoints and files", GREY),
}
ESTIMATED = {
    TRAINING: ("training and evaluation", BLUE),
    STARTUP: ("start-up, estimated", ORANGE),
}


def cost_bars(
    costs: pd.DataFrame,
    wall_seconds: float | None = None,
    *,
    places: int | None = None,
    confirm_seconds: float = 0.0,
) -> "Figure":
    """Draw where the seconds went, and the pace of every trial.

    Left: the trials' seconds, summed by how they ended, and divided into what they were spent on; of
    searches that recorded no parts, into an estimated start-up and the rest. Below them the whole
    experiment: with `places`, their time together, and what of it was used by no run; without, the wall
    time. Right: median examples a second of every trial.

    Args:
      costs: as `lru_tune.results.costs.costs` returns them.
      wall_seconds: of search and confirmation; None if not known.
      places: how many runs the machine held at a time; None if not known.
      confirm_seconds: of all runs of the confirmation.
    """
    canvas, axes = new_plot(1, 2, size=(9, 3.2))
    left, right = axes.flat
    _stack(left, costs)
    if wall_seconds is not None and places is None:
        left.barh([WALL], [wall_seconds / 60], color=GREEN, label="search and confirmation")
    elif wall_seconds is not None and places is not None:
        searched = costs[runs.SECONDS].sum()
        idle = max(0.0, places * wall_seconds - searched - confirm_seconds)
        shares = {
            "search": (searched, GREEN, 1.0),
            "confirmation": (confirm_seconds, GREEN, 0.5),
            IDLE: (idle, GREY, 0.35),
        }
        start, row = 0.0, f"{places} at a time"
        shown = {label: share for label, share in shares.items() if share[0] > 0}
        for label, (seconds, colour, alpha) in shown.items():
            bar = {"left": start / 60, "color": colour, "alpha": alpha, "label": label}
            left.barh([row], [seconds / 60], **bar)
            start += seconds
    left.set(xlabel="minutes")
    left.grid(visible=False, axis="y")
    add_legend(left, loc="upper left", bbox_to_anchor=(0, -0.2), columns=2)
    paced = costs.dropna(subset=[PACE]).reset_index(drop=True)
    right.scatter(
        np.arange(1, len(paced) + 1),
        paced[PACE],
        s=16,
        color=[STATUS_COLOURS.get(status, GREY) for status in paced[STATUS]],
        rasterized=many(paced[TRIAL]),
    )
    right.set(xlabel="trial", ylabel=runs.EXAMPLES_PER_SECOND.replace("_", " "))
    right.set_ylim(0, 1.1 * paced[PACE].max() if paced[PACE].max() > 0 else 1)
    right.locator_params(axis="x", integer=True)
    return canvas


def _stack(axes: "Axes", costs: pd.DataFrame) -> None:
    """Draw a bar for each way to end, divided into parts."""
    divided = costs.assign(
        other=costs[runs.SECONDS] - costs[list(runs.PARTS_OF_SECONDS)].sum(axis=1)
    )
    recorded = costs[runs.COMPILE_SECONDS].notna().any()
    parts = PARTS if recorded else ESTIMATED
    sums = divided.groupby(STATUS)[list(parts)].sum() / 60
    sums = sums[sums.sum(axis=1) > 0]
    start = pd.Series(0.0, index=sums.index)
    for name, (label, colour) in parts.items():
        axes.barh(sums.index, sums[name], left=start, color=colour, label=label)
        start = start + sums[name]
