"""The confirmation: fresh seeds and their intervals beside the score in the search."""

from typing import TYPE_CHECKING

import pandas as pd

from lru_tune.drawing import add_legend, explain_empty, keep_within, new_plot
from lru_tune.files import run_directory as runs
from lru_tune.plots.palette import BLUE, GREY, INK, ORANGE
from lru_tune.results.judging.stats import summarise, winners_curse
from lru_tune.results.reading.frame import TRIAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OFFSET = 0.14  # of validation and test from the middle of a row


def confirmed_seeds(
    trials: pd.DataFrame, confirmed: pd.DataFrame, chance: float | None = None
) -> "Figure":
    """Draw one row for each confirmed trial: seeds, mean, 95 % interval, and the score in the search.

    The label of a row gives the winner's curse: the search's score minus the confirmed mean on validation.

    Args:
      trials: of the search, as `load_runs` returns them.
      confirmed: as `confirmations` returns them.
      chance: accuracy of always predicting the most frequent class, drawn as a line; None if unknown.
    """
    groups = list(confirmed.groupby(TRIAL, sort=False))
    canvas, axes = new_plot(1, 1, size=(9, 1.2 + 0.75 * max(1, len(groups))))
    panel = axes[0, 0]
    if not groups:
        explain_empty(panel, "no trial has been confirmed with fresh seeds")
        return canvas
    scores = trials.drop_duplicates(TRIAL).set_index(TRIAL)[runs.VAL_ACCURACY]
    names = []
    for row, (trial, group) in enumerate(groups):
        validation = group[runs.VAL_ACCURACY].astype("float64").tolist()
        test = group[runs.TEST_ACCURACY].astype("float64").tolist()
        first = row == 0
        _seeds(panel, validation, row - OFFSET, BLUE, "validation, one dot a seed" if first else "")
        _seeds(panel, test, row + OFFSET, ORANGE, "test, one dot a seed" if first else "")
        score = float(scores.get(trial, float("nan")))
        panel.plot(
            [score],
            [row - OFFSET],
            "D",
            markerfacecolor="none",
            color=INK,
            label="score in the search (validation)" if first else "",
        )
        gap = 100 * winners_curse(score, validation)
        names.append(f"{trial}\ngap {gap:+.1f} points" if gap == gap else str(trial))
    if chance is not None:
        panel.axvline(chance, color=GREY, linestyle=":", label="chance")
    panel.set(xlabel="accuracy; bars: mean and 95 % interval", ylim=(len(names) - 0.5, -0.5))
    keep_within(panel, 0.0, 1.0)
    panel.set_yticks(range(len(names)), names, fontsize="small")
    add_legend(panel, loc="upper left", bbox_to_anchor=(1, 1))
    return canvas


def _seeds(panel: "Axes", values: list[float], row: float, colour: str, label: str) -> None:
    found = summarise(values)
    if not found.n:
        return
    panel.plot(values, [row] * len(values), "o", color=colour, alpha=0.6, markersize=5, label=label)
    if found.n > 1:
        panel.hlines([row], found.low, found.high, color=colour, linewidth=2)
    panel.plot([found.mean], [row], "|", color=colour, markersize=14, markeredgewidth=2.5)
