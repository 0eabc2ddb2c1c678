"""Domains and objectives as Optuna calls them."""

from collections.abc import Callable
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.study import StudyDirection

from lru_tune.space.scales import Categorical, Coordinate, Float, Int

DIRECTIONS = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}
_DISTRIBUTIONS: dict[type, Callable[[Any], BaseDistribution]] = {
    Float: lambda c: FloatDistribution(c.low, c.high, log=c.log, step=c.step),
    Int: lambda c: IntDistribution(c.low, c.high, log=c.log),
    Categorical: lambda c: CategoricalDistribution(c.values),
}


def distribution(coordinate: Coordinate) -> BaseDistribution:
    """Return Optuna's distribution of the scale that a searcher draws on."""
    return _DISTRIBUTIONS[type(coordinate)](coordinate)
