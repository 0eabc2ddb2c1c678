"""Searched fields as axes from 0 to 1, on the scale of the search."""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from lru_tune.results.reading.frame import CONFIG_PREFIX
from lru_tune.space.domains import Domain, Range, parse_domain
from lru_tune.space.scales import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARGIN = 0.08  # beyond both ends of the axis
MOST_DECADES = 5
SPREAD = 0.04  # to both sides of a choice, so that marks do not hide each other


class Dimension(NamedTuple):
    """A searched field and the place of every trial on it.

    Attributes:
      field: dotted path.
      places: (trials,) float64; 0 and 1 are the ends of the interval, or the first and the last choice; NaN
        if a trial has no value.
      ticks: label -> place.
      ordered: whether the field is an interval, not a list of choices.
      ends: labels of the values at 0 and 1.
    """

    field: str
    places: np.ndarray
    ticks: dict[str, float]
    ordered: bool
    ends: tuple[str, str]

    @property
    def spread_places(self) -> np.ndarray:
        """The places, with trials of the same choice side by side."""
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
    for field, written in search.items():
        name, domain = CONFIG_PREFIX + field, parse_domain(written)
        if name not in trials or trials[name].nunique() < 2:
            continue
        if isinstance(domain, Range):
            found.append(_interval(field, domain, trials[name]))
        else:
            found.append(_choices(field, domain, trials[name]))
    return found


def as_axis(axes: "Axes", dimension: Dimension, side: str) -> None:
    """Set the ticks and the label of one axis of a panel, "x" or "y", to those of a dimension."""
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


def _interval(field: str, domain: Range, column: pd.Series) -> Dimension:
    values = column.astype("float64").to_numpy(na_value=np.nan)
    places = np.array([domain.place(float(value)) for value in values])
    marks = (domain.from_coordinate(x) for x in _marks(domain.coordinate))
    ticks = {f"{mark:.6g}": domain.place(mark) for mark in marks}
    low, high = (f"{bound:.6g}" for bound in domain.bounds)
    return Dimension(field, places, ticks, ordered=True, ends=(low, high))


def _marks(scale: Scale) -> list[float]:
    """Return the coordinates of ticks: powers of ten if the interval has two to MOST_DECADES, else three."""
    if scale.log:
        low, high = math.log10(scale.low), math.log10(scale.high)
        powers = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
        if 2 <= len(powers) <= MOST_DECADES:
            return [10.0**power for power in powers]
    return [scale.low, float(f"{scale.at(0.5):.2g}"), scale.high]


def _choices(field: str, domain: Domain, column: pd.Series) -> Dimension:
    texts = [_text(value) for value in domain.ends()]
    last = max(1, len(texts) - 1)
    ticks = {text: number / last for number, text in enumerate(texts)}
    places = np.array([ticks.get(_text(x), np.nan) for x in column])
    return Dimension(field, places, ticks, ordered=False, ends=(texts[0], texts[-1]))


def _text(value: Any) -> str:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        return str(value)
    return f"{float(value):.4g}"
