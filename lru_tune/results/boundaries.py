"""Best trials pressed against the end of a searched interval: a hint that it was too narrow."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import ValidationError

from lru_tune.config.schema import RunConfig, nest
from lru_tune.results.best import ELIGIBLE
from lru_tune.results.frame import CONFIG_PREFIX, STATUS

LEAST_TRIALS = 8  # fewer say nothing about an interval
TOP_SHARE = 4  # the best fourth of the trials, and at least LEAST_TOP of them
LEAST_TOP = 3
EDGE = 0.1  # of the interval, on the scale it is searched on
WIDEN = 0.5  # of the interval's width there, added to the pressed side


class Alarm(NamedTuple):
    """One end of one dimension at which the best trials gather.

    Attributes:
      field: dotted path.
      end: which end in real values.
      bound: its value.
      suggestion: a wider interval, in the words of the search space.
    """

    field: str
    end: str
    bound: float
    suggestion: str


class Scale(NamedTuple):
    """The coordinate an interval is searched on: `forward` from the space's own number, `back` to it."""

    forward: Callable[[float], float]
    back: Callable[[float], float]


LINEAR = Scale(float, float)
LOGARITHMIC = Scale(math.log, math.exp)
SCALES = {
    "uniform": LINEAR,
    "quniform": LINEAR,
    "randint": LINEAR,
    "loguniform": LOGARITHMIC,
    "lograndint": LOGARITHMIC,
    "one_minus_loguniform": LOGARITHMIC,  # its interval bounds 1 - value
}
MIRRORED = frozenset({"one_minus_loguniform"})
WHOLE = frozenset({"randint", "lograndint"})


def pressed_bounds(search: dict[str, Any], order: pd.DataFrame) -> list[Alarm]:
    """Return an alarm for every interval whose best trials lie within a tenth of one end.

    Ends that the schema itself sets (a dropout below 0) raise no alarm: there is nothing to widen.

    Args:
      search: the `search` block of a space: dotted field -> {kind: [low, high, ...]}.
      order: runs, best first, as from `ranked`.
    """
    usable = order[order[STATUS].isin(ELIGIBLE)]
    if len(usable) < LEAST_TRIALS:
        return []
    top = usable.head(max(LEAST_TOP, len(usable) // TOP_SHARE))
    alarms = [
        _pressed(field, kind, arguments, top)
        for field, domain in search.items()
        for kind, arguments in domain.items()
        if kind in SCALES and CONFIG_PREFIX + field in top
    ]
    return [alarm for alarm in alarms if alarm is not None]


def _pressed(field: str, kind: str, arguments: list[Any], top: pd.DataFrame) -> Alarm | None:
    scale = SCALES[kind]
    low, high = (scale.forward(float(x)) for x in arguments[:2])
    values = top[CONFIG_PREFIX + field].dropna().astype("float64").to_numpy()
    inner = 1.0 - values if kind in MIRRORED else values
    if not len(inner) or high <= low:
        return None
    places = (np.asarray([scale.forward(float(x)) for x in inner]) - low) / (high - low)
    place = float(np.median(places))
    if EDGE < place < 1.0 - EDGE:
        return None
    at_low = place <= EDGE
    step = WIDEN * (high - low)
    wider = scale.back(low - step if at_low else high + step)
    wider = float(round(wider)) if kind in WHOLE else float(f"{wider:.2g}")
    bound = float(arguments[0 if at_low else 1])
    real_bound, real_wider = (1.0 - x if kind in MIRRORED else x for x in (bound, wider))
    if not _is_valid(field, real_wider, top.iloc[0]):
        return None
    ends = (wider, float(arguments[1])) if at_low else (float(arguments[0]), wider)
    shown = ", ".join(f"{x:g}" for x in (*ends, *arguments[2:]))
    upper = at_low == (kind in MIRRORED)
    return Alarm(field, "upper" if upper else "lower", real_bound, f"{{{kind}: [{shown}]}}")


def _is_valid(field: str, value: float, row: pd.Series) -> bool:
    """Return whether the best trial's configuration could have this value."""
    flat = {
        str(name).removeprefix(CONFIG_PREFIX): x
        for name, x in row.items()
        if str(name).startswith(CONFIG_PREFIX) and not pd.isna(x)
    }
    try:
        RunConfig.model_validate(nest(flat | {field: value}))
    except ValidationError:
        return False
    return True
