"""How a search spent its time, and the speed of its trials."""

from typing import TYPE_CHECKING

import pandas as pd

from lru_tune.drawing import add_legend, many, new_plot
from lru_tune.files import run_directory as runs
from lru_tune.plots.palette import DARK_PURPLE, GREY, INK, LIGHT_PURPLE, PURPLE, STATUS_COLOURS
from lru_tune.results.reading.costs import PACE, STARTUP, TRAINING
from lru_tune.results.reading.frame import STATUS, TRIAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


IDLE, WALL = "idle", "wall time"
# Greys and purples, as the colours of the other panel stand for the status of trials.
PARTS = {
    runs.TRAIN_SECONDS: ("training", PURPLE),
    runs.EVAL_SECONDS: ("evaluation", LIGHT_PURPLE),
    runs.COMPILE_SECONDS: ("compiling", DARK_PURPLE),
    "other": ("checkpoints and files", GREY),
}
ESTIMATED = {
    TRAINING: ("training and evaluation", GREY),
    STARTUP: ("start-up, estimated", PURPLE),
}


def cost_bars(
    costs: pd.DataFrame,
    wall_seconds: float | None = None,
    *,
    places: int | None = None,
    confirm_seconds: float = 0.0,
) -> "Figure":
    """Draw how the seconds were spent, and the speed of every trial.

    Left: the trials' seconds by status, divided into training, evaluation, compiling and files, or into an
    estimated start-up and the rest if the search did not record these parts. Below them the whole
    experiment: with `places`, their total time and its idle part, otherwise the wall time. Right: median
    examples per second of every trial.

    Args:
      costs: as `lru_tune.results.reading.costs.costs` returns them.
      wall_seconds: of search and confirmation; None if unknown.
      places: number of concurrent runs, where the runs in the lanes of one device count as one; None if
        unknown.
      confirm_seconds: sum over the runs of the confirmation.
    """
    canvas, axes = new_plot(1, 2, size=(9, 3.6))
    left, right = axes.flat
    _stack(left, costs)
    if wall_seconds is not None and places is None:
        outline = {"color": "none", "edgecolor": INK}
        left.barh([WALL], [wall_seconds / 60], label="search and confirmation", **outline)
    elif wall_seconds is not None and places is not None:
        searched = costs[runs.SECONDS].sum()
        idle = max(0.0, places * wall_seconds - searched - confirm_seconds)
        shares = {
            "search": (searched, 0.6),
            "confirmation": (confirm_seconds, 0.35),
            IDLE: (idle, 0.1),
        }
        start, row = 0.0, f"{places} at a time"
        shown = {label: share for label, share in shares.items() if share[0] > 0}
        for label, (seconds, alpha) in shown.items():
            bar = {"left": start / 60, "color": INK, "alpha": alpha, "label": label}
            left.barh([row], [seconds / 60], **bar)
            start += seconds
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


def _stack(axes: "Axes", costs: pd.DataFrame) -> None:
    """Draw a bar for each status, divided into parts."""
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
