"""Where the best trials lie inside the searched intervals."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from lru_tune.drawing import explain_empty, many, new_plot
from lru_tune.plots.fields.dimensions import MARGIN, dimensions
from lru_tune.plots.palette import BLUE, GREY, RED
from lru_tune.results.advising.boundaries import EDGE, LEAST_TOP, TOP_SHARE, pressed_bounds
from lru_tune.results.judging.best import ELIGIBLE
from lru_tune.results.reading.frame import STATUS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def boundary_strips(order: pd.DataFrame, search: dict[str, Any]) -> "Figure":
    """Draw one strip for each searched interval: all trials in grey, the best quarter coloured.

    If the best trials gather at one end, it is red, and the label of the strip suggests a wider interval.

    Args:
      order: trials, best first, as `ranked` returns them.
      search: the `search` block of the space.
    """
    usable = order[order[STATUS].isin(ELIGIBLE)].reset_index(drop=True)
    intervals = [d for d in dimensions(usable, search) if d.ordered]
    canvas, axes = new_plot(1, 1, size=(9, 0.8 + 0.5 * max(1, len(intervals))))
    panel = axes[0, 0]
    if not intervals:
        explain_empty(panel, "no searched interval varies among the trials")
        return canvas
    alarms = {alarm.field: alarm for alarm in pressed_bounds(search, usable)}
    top = max(LEAST_TOP, len(usable) // TOP_SHARE)
    names = []
    for row, dimension in enumerate(intervals):
        alarm = alarms.get(dimension.field)
        if alarm:
            start = 0.0 if alarm.end == "lower" else 1.0 - EDGE
            panel.barh(row, EDGE, left=start, height=0.8, color=RED, alpha=0.3)
        panel.plot(
            dimension.places[top:],
            [row] * len(usable.index[top:]),
            "|",
            color=GREY,
            rasterized=many(usable),
        )
        panel.plot(
            dimension.places[:top],
            [row] * len(usable.index[:top]),
            "o",
            color=RED if alarm else BLUE,
            markersize=5,
            alpha=0.8,
            rasterized=many(usable),
        )
        names.append(f"{dimension.field}\ntry {alarm.suggestion}" if alarm else dimension.field)
        ends = " … ".join(dimension.ends)
        panel.text(1 + 2 * MARGIN, row, ends, va="center", fontsize="small")
    panel.set(xlim=(-MARGIN, 1 + MARGIN), ylim=(len(names) - 0.4, -0.6))
    panel.set_yticks(range(len(names)), names, fontsize="small")
    panel.set_xticks([0, 1], ["lower end", "upper end"])
    panel.grid(visible=False, axis="x")
    return canvas
