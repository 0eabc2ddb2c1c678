"""Finds searched intervals whose best trials lie at one end: such an interval may be too narrow."""

import math
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from pydantic import ValidationError

from lru_tune.config.dotted import nest
from lru_tune.config.schema import RunConfig
from lru_tune.results.judging.best import ELIGIBLE
from lru_tune.results.reading.frame import CONFIG_PREFIX, STATUS
from lru_tune.space.domains import Range, parse_domain
from lru_tune.space.scales import Int

LEAST_TRIALS = 8  # fewer are not enough to judge an interval
TOP_SHARE = 4  # the best quarter of the trials, but at least LEAST_TOP, is looked at
LEAST_TOP = 3
EDGE = 0.1  # fraction of the interval, on the scale of the search
WIDEN = 0.5  # fraction of the interval's width on that scale, by which the suggestion extends it


End = Literal["lower", "upper"]  # of the values of a field


class Alarm(NamedTuple):
    """An end of an interval at which the best trials gather.

    Attributes:
      field: dotted path.
      end: the lower or the upper end.
      bound: its value.
      suggestion: a wider interval, as it is written in a search space.
    """

    field: str
    end: End
    bound: float
    suggestion: str


def pressed_bounds(search: dict[str, Any], order: pd.DataFrame) -> list[Alarm]:
    """Return an alarm for every interval whose best trials lie within a tenth of one end.

    Ends beyond which the schema allows no value (such as dropout 0) raise no alarm.

    Args:
      search: the `search` block of a space: dotted field -> {kind: [low, high, ...]}.
      order: runs, best first, as from `ranked`.
    """
    usable = order[order[STATUS].isin(ELIGIBLE)]
    if len(usable) < LEAST_TRIALS:
        return []
    top = usable.head(max(LEAST_TOP, len(usable) // TOP_SHARE))
    dimensions = {field: parse_domain(written) for field, written in search.items()}
    alarms = [
        _pressed(field, domain, top)
        for field, domain in dimensions.items()
        if isinstance(domain, Range) and CONFIG_PREFIX + field in top
    ]
    return [alarm for alarm in alarms if alarm is not None]


def _pressed(field: str, domain: Range, top: pd.DataFrame) -> Alarm | None:
    values = top[CONFIG_PREFIX + field].dropna().astype("float64")
    if values.empty or domain.low == domain.high:
        return None
    place = float(np.median([domain.place(value) for value in values]))
    if EDGE < place < 1.0 - EDGE:
        return None
    end: End = "lower" if place <= EDGE else "upper"
    wider = widened(domain, end)
    if wider is None or not _is_valid(field, _bound(wider, end), top.iloc[0]):
        return None
    numbers = ", ".join(f"{x:g}" for x in wider.arguments())
    return Alarm(field, end, _bound(domain, end), f"{{{domain.kind}: [{numbers}]}}")


def widened(domain: Range, end: End) -> Range | None:
    """Return a domain that extends further at one end, in round numbers; None if its scale does not allow it.

    Args:
      domain: its two ends must differ.
      end: the end to extend.
    """
    scale = domain.coordinate
    at_low = domain.from_coordinate(scale.low) == _bound(domain, end)
    number = scale.at(-WIDEN if at_low else 1.0 + WIDEN)
    if isinstance(scale, Int):
        number = round(number)
    elif scale.step is None:
        number = float(f"{number:.2g}")
    else:
        steps = math.ceil(WIDEN * (scale.high - scale.low) / scale.step - 1e-9)
        number = scale.low - steps * scale.step if at_low else scale.high + steps * scale.step
    try:
        return replace(domain, low=number) if at_low else replace(domain, high=number)
    except ValueError:
        return None


def _bound(domain: Range, end: End) -> float:
    low, high = domain.bounds
    return low if end == "lower" else high


def _is_valid(field: str, value: float, row: pd.Series) -> bool:
    """Return whether the best trial's configuration is valid with this value."""
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
