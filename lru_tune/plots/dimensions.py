"""Searched fields as axes from 0 to 1, on the scale on which they are searched."""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from lru_tune.results.boundaries import MIRRORED, SCALES, Scale
from lru_tune.results.frame import CONFIG_PREFIX

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARGIN = 0.08  # beyond both ends of the axis
MOST_DECADES = 5
SPREAD = 0.04  # to both sides of a choice, for marks that would hide one another


class Dimension(NamedTuple):
    """One searched field and where every trial lies on it.

    Attributes:
      field: dotted path.
      places: (trials,) float64; 0 and 1 are the ends of the interval, or the first and last of the choices;
        NaN where a trial has no value.
      ticks: real value in words -> place.
      ordered: whether it is an interval; choices lie side by side.
      ends: real values at 0 and 1 in words.
    """

    field: str
    places: np.ndarray
    ticks: dict[str, float]
    ordered: bool
    ends: tuple[str, str]

    @property
    def spread_places(self) -> np.ndarray:
        """The places, with trials of the same choice next to one another instead of on top."""
        if self.ordered:
            return self.places
        spread = self.places.copy()
        for place in np.unique(self.places[~np.isnan(self.places)]):
            alike = np.flatnonzero(self.places == place)
            if len(alike) > 1:
                spread[alike] += np.linspace(-SPREAD, SPREAD, len(alike))
        return spread


def dimensions(trials: pd.DataFrame, search: dict[str, Any]) -> list[Dimension]:
    """Return the searched fields that vary among the trials.

    Args:
      trials: as `load_runs` returns them.
      search: the `search` block of the space: dotted field -> {kind: arguments}.
    """
    found = []
    for field, domain in search.items():
        for kind, arguments in domain.items():
            name = CONFIG_PREFIX + field
            if name not in trials or trials[name].nunique() < 2:
                continue
            if kind in SCALES:
                found.append(_interval(field, kind, arguments, trials[name]))
            else:
                found.append(_choices(field, arguments, trials[name]))
    return found


def as_axis(axes: "Axes", dimension: Dimension, side: str) -> None:
    """Give one side of a panel, "x" or "y", the ticks and the name of a dimension."""
    places = list(dimension.ticks.values())
    settings: dict[str, Any] = {
        f"{side}ticks": places,
        f"{side}ticklabels": list(dimension.ticks),
        f"{side}lim": (-MARGIN, 1 + MARGIN),
        f"{side}label": short(dimension.field),
    }
    axes.set(**settings)
    axes.tick_params(axis="x" if side == "x" else "y", labelsize="small")


def short(field: str) -> str:
    """Return the last part of a dotted path."""
    return field.rpartition(".")[2]


def _interval(field: str, kind: str, arguments: list[Any], column: pd.Series) -> Dimension:
    scale, mirrored = SCALES[kind], kind in MIRRORED
    low, high = (scale.forward(float(x)) for x in arguments[:2])
    width = (high - low) or 1.0
    values = column.astype("float64").to_numpy(na_value=np.nan)
    inner = 1.0 - values if mirrored else values
    places = np.array([(_forward(scale, float(x)) - low) / width for x in inner])
    bounds = (float(arguments[0]), float(arguments[1]))
    ticks = {_real(x, mirrored): (scale.forward(x) - low) / width for x in _marks(scale, *bounds)}
    ends = (_real(bounds[0], mirrored), _real(bounds[1], mirrored))
    if mirrored:  # so that larger values lie to the right
        places, ticks = 1.0 - places, {text: 1.0 - place for text, place in ticks.items()}
        ends = ends[::-1]
    return Dimension(field, places, ticks, ordered=True, ends=ends)


def _real(inner: float, mirrored: bool) -> str:
    """Return the value that stands in a configuration, in words; near 1 every nine counts."""
    return f"{1.0 - inner:.6g}" if mirrored else f"{inner:.3g}"


def _forward(scale: Scale, value: float) -> float:
    """Return the coordinate of a value, NaN for one that the scale does not have."""
    outside = math.isnan(value) or (value <= 0 and scale is not SCALES["uniform"])
    return math.nan if outside else scale.forward(value)


def _marks(scale: Scale, low: float, high: float) -> list[float]:
    """Return values for ticks: powers of ten where there are two to MOST_DECADES, else ends and middle."""
    if scale is not SCALES["uniform"]:
        powers = range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)
        if 2 <= len(powers) <= MOST_DECADES:
            return [10.0**power for power in powers]
    middle = scale.back((scale.forward(low) + scale.forward(high)) / 2)
    return [low, float(f"{middle:.2g}"), high]


def _choices(field: str, values: list[Any], column: pd.Series) -> Dimension:
    texts = [_text(value) for value in values]
    last = max(1, len(texts) - 1)
    ticks = {text: number / last for number, text in enumerate(texts)}
    places = np.array([ticks.get(_text(x), np.nan) for x in column])
    return Dimension(field, places, ticks, ordered=False, ends=(texts[0], texts[-1]))


def _text(value: Any) -> str:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        return str(value)
    return f"{float(value):.4g}"
