"""The importance of each searched field for the metric."""

from typing import TYPE_CHECKING

import pandas as pd

from lru_tune.drawing import explain_empty, new_plot
from lru_tune.plots.palette import BLUE
from lru_tune.results.advising.importance import CONFIDENCE, FIELD, HIGH, IMPORTANCE, LOW

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def importance_bars(frame: pd.DataFrame, basis: str) -> "Figure":
    """Draw one bar with its bootstrap interval for each field.

    Args:
      frame: as `importances` returns it.
      basis: which trials were compared and how; shown below the plot.
    """
    canvas, axes = new_plot(1, 1, size=(7, 0.9 + 0.36 * max(1, len(frame))))
    panel = axes[0, 0]
    if frame.empty:
        explain_empty(panel, "too few trials with different values")
        return canvas
    shown = frame.iloc[::-1].reset_index(drop=True)
    panel.barh(shown[FIELD], shown[IMPORTANCE], color=BLUE, height=0.6)
    spread = shown.dropna(subset=[LOW, HIGH])
    panel.hlines(spread.index, spread[LOW], spread[HIGH], color="black", linewidth=1.4)
    panel.set(xlim=(0, 1), xlabel=f"importance, with {CONFIDENCE:.0%} bootstrap intervals\n{basis}")
    panel.grid(visible=False, axis="y")
    return canvas
