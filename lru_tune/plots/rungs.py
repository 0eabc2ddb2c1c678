"""How well the value of a trial at a rung predicts its final value."""

from typing import TYPE_CHECKING

import pandas as pd

from lru_tune.drawing import explain_empty, many, new_plot, new_row
from lru_tune.files.run_directory import Mode
from lru_tune.plots.palette import BLUE, ORANGE
from lru_tune.results.reading.rungs import FINAL, RUNG, VALUE, rung_trust

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def rung_scatter(values: pd.DataFrame, mode: Mode = "max") -> "Figure":
    """Draw one panel for each rung: the value there against the final value of every completed trial.

    Trials without a final value, mostly stopped ones, are ticks at the bottom. Each title has Spearman's rank
    correlation over the completed trials, and their number n.

    Args:
      values: as `rung_values` returns them.
      mode: whether the metric is maximised or minimised.
    """
    trust = rung_trust(values, mode)
    if trust.empty:
        canvas, axes = new_plot(1, 1, size=(6, 1.5))
        explain_empty(axes[0, 0], "no trial has reached a rung")
        return canvas
    canvas, panels = new_row(len(trust), width=3.1, height=2.9, sharey=True)
    for panel, (_, rung) in zip(panels, trust.iterrows(), strict=True):
        group = values[values[RUNG] == rung[RUNG]]
        done, open_ended = group.dropna(subset=[FINAL]), group[group[FINAL].isna()]
        panel.scatter(done[VALUE], done[FINAL], s=18, color=BLUE, alpha=0.8, rasterized=many(group))
        panel.plot(
            open_ended[VALUE],
            [0.02] * len(open_ended),
            "|",
            color=ORANGE,
            markersize=9,
            rasterized=many(group),
            transform=panel.get_xaxis_transform(),
        )
        spearman = rung["spearman"]
        known = "too few completed" if pd.isna(spearman) else f"Spearman {spearman:.2f}"
        said = f"{known} (n = {len(done)})"
        panel.set_title(f"step {rung[RUNG]:.0f}: {said}", fontsize="medium")
        panel.set(xlabel="value at the rung")
        panel.locator_params(axis="x", nbins=4)
        panel.margins(y=0.12)  # room for the ticks
    panels[0].set_ylabel("final value (orange: none)")
    return canvas
