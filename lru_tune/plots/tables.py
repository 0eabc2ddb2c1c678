"""Cells of the paper's tables: published and our accuracies, coloured by the verdict."""

from typing import TYPE_CHECKING

import pandas as pd

from lru_tune.drawing import add_legend, explain_empty, keep_within, new_plot
from lru_tune.plots.palette import GREY, INK, VERDICT_COLOURS
from lru_tune.results.reading.reproductions import COLUMN, ROW, TABLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NO_VERDICT = "no verdict"


def published_and_ours(cells: pd.DataFrame) -> "Figure":
    """Draw one line for each cell with results: the published mean, and ours with its interval.

    Published: a hollow square, with a bar of 1.96 standard errors if known. Ours: a dot with the 95 %
    interval of the mean, coloured by the verdict, or grey without a verdict. Results that cannot be compared
    with the paper have no verdict; the labels below the plot give the reasons.

    Args:
      cells: as `lru_tune.results.reading.reproductions.cells` returns them.
    """
    shown = cells[cells["ours"].notna()].reset_index(drop=True)
    canvas, axes = new_plot(1, 1, size=(9, 1.3 + 0.3 * max(1, len(shown))))
    panel = axes[0, 0]
    if shown.empty:
        explain_empty(panel, "no cell has been run yet")
        return canvas
    error = 1.96 * shown["published_standard_error"].fillna(0.0)
    rows = shown.index.to_numpy()
    panel.errorbar(
        shown["published"],
        rows - 0.12,
        xerr=error,
        fmt="s",
        color=INK,
        markerfacecolor="none",
        markersize=5,
        label="published",
    )
    for verdict, group in shown.groupby(shown["verdict"].fillna(NO_VERDICT)):
        colour = VERDICT_COLOURS.get(str(verdict), GREY)
        panel.hlines(group.index + 0.12, group["ours_low"], group["ours_high"], color=colour)
        panel.plot(group["ours"], group.index + 0.12, "o", color=colour, label=f"ours, {verdict}")
    names = [f"{c[TABLE]}: {c[ROW]} / {c[COLUMN]} (n={c['n']})" for _, c in shown.iterrows()]
    labels = "; ".join(sorted({label for label in shown["labels"].dropna() if label}))
    panel.set(xlabel="test accuracy, %" + (f"\n{labels}" if labels else ""))
    keep_within(panel, 0.0, 100.0)
    panel.set_yticks(rows, names, fontsize="small")
    panel.set_ylim(len(shown) - 0.4, -0.6)
    add_legend(panel, loc="upper left", bbox_to_anchor=(1, 1))
    return canvas
