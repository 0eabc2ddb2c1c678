"""Learning curves of all trials of a search."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lru_tune.drawing import add_legend, explain_empty, many, new_plot
from lru_tune.files import run_directory as runs
from lru_tune.plots.palette import BLUE, GREY, INK, ORANGE, PURPLE, STATUS_COLOURS
from lru_tune.results.reading.frame import EXPERIMENT, STATUS, TRIAL

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Key = tuple[str, str]  # experiment, trial
End = tuple[str, int]  # status, and the step at which the trial was stopped or 0

MOST_STOPS = 6  # steps of stopping that get different colours


def learning_curves(
    trials: pd.DataFrame,
    reports: pd.DataFrame,
    *,
    best: str | None = None,
    rungs: Sequence[int] = (),
    metric: str = runs.VAL_ACCURACY,
) -> "Figure":
    """Draw the curve of every trial with a report, coloured by how and where it ended.

    Trials stopped at different rungs have different colours, paler for earlier rungs; a trial belongs to the
    last rung that it reached.

    Args:
      trials: of one experiment, as `load_runs` returns them.
      reports: of the same trials, as `history` returns them.
      best: name of the trial to draw in black.
      rungs: steps at which trials were compared, drawn as lines.
      metric: a column of `reports`.
    """
    from matplotlib.collections import LineCollection

    canvas, axes = new_plot(1, 1, size=(9, 4.2))
    panel = axes[0, 0]
    curves: dict[Key, np.ndarray] = {
        (str(key[0]), str(key[1])): group[[runs.STEP, metric]].to_numpy(dtype="float64")
        for key, group in reports.groupby([EXPERIMENT, TRIAL])
    }
    if not curves:
        explain_empty(panel, "no trial has reported yet")
        return canvas
    ends = _ends(trials, curves, rungs)
    colours = _colours(list(ends))
    for place, keys in ends.items():
        panel.add_collection(
            LineCollection(
                [curves[key] for key in keys],
                colors=colours[place],
                linewidths=1.1,
                alpha=0.7,
                label=f"{place[0]}{f' by step {place[1]}' if place[1] else ''} ({len(keys)})",
                rasterized=many(keys),
            )
        )
        points = [curves[key][-1] for key in keys]
        x, y = zip(*points, strict=True)
        panel.scatter(x, y, s=9, color=colours[place], zorder=2, rasterized=many(keys))
    for key, curve in curves.items():
        if key[1] == best:
            panel.plot(*curve.T, color=INK, linewidth=2, label=f"best: {best}", zorder=3)
    for rung in rungs:
        panel.axvline(rung, color=GREY, linestyle=":", linewidth=1)
    panel.autoscale_view()
    panel.set(xlabel="optimiser step (dotted: rungs)" if rungs else "optimiser step", ylabel=metric)
    add_legend(panel, loc="upper left", bbox_to_anchor=(1, 1))
    return canvas


def _ends(
    trials: pd.DataFrame, curves: dict[Key, np.ndarray], rungs: Sequence[int]
) -> dict[End, list[Key]]:
    """Return (status, step of stopping or 0) -> keys of the trials, sorted by status and step."""
    found: dict[End, list[Key]] = {}
    for _, row in trials.iterrows():
        key = (row[EXPERIMENT], row[TRIAL])
        if key not in curves:
            continue
        step = 0
        if row[STATUS] == "stopped":
            last = int(row["steps"])
            step = max((rung for rung in rungs if rung <= last), default=last)
        found.setdefault((row[STATUS], step), []).append(key)
    stops = [place for place in found if place[1]]
    if len(stops) > MOST_STOPS:
        together = [key for place in stops for key in found.pop(place)]
        found["stopped", 0] = together
    return dict(sorted(found.items(), key=lambda item: (item[0][0], item[0][1])))


def _colours(places: list[End]) -> dict[End, str]:
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    stops = [place for place in places if place[1]]
    scale = LinearSegmentedColormap.from_list("stops", ["#e8b873", ORANGE, PURPLE])
    colours = {
        place: to_hex(scale(number / max(1, len(stops) - 1))) for number, place in enumerate(stops)
    }
    return {place: STATUS_COLOURS.get(place[0], BLUE) for place in places} | colours
