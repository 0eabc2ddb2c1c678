"""Domains: what a dimension of a search space may be, in real values and as a searcher sees it.

A domain knows no search library. It describes its `coordinate`, the scale on which a searcher draws, and
translates between the two; `one_minus_loguniform` is the only one whose coordinate is not the value.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lru_tune.errors import did_you_mean

Value = float | int | str | bool | None
# 1 - (1 - x) is not x in floating point, so that a range's own ends could fall just outside of it.
EDGE_TOLERANCE = 1e-9  # relative


@dataclass(frozen=True)
class Float:
    """A real coordinate in [low, high], even on a log scale where `log`, in multiples of `step` above low."""

    low: float
    high: float
    log: bool = False
    step: float | None = None


@dataclass(frozen=True)
class Int:
    """A whole coordinate in [low, high], both included, even on a log scale where `log`."""

    low: int
    high: int
    log: bool = False


@dataclass(frozen=True)
class Categorical:
    """One of some values, without order."""

    values: tuple[Value, ...]


Coordinate = Float | Int | Categorical


class Domain:
    """What one dimension may be. Build with `parse_domain`; subclasses are frozen dataclasses."""

    kind: ClassVar[str]

    @property
    def coordinate(self) -> Coordinate:
        """The scale on which a searcher draws."""
        raise NotImplementedError

    def arguments(self) -> list[Any]:
        """Return what stands behind the kind in YAML."""
        raise NotImplementedError

    def contains(self, value: Any) -> bool:
        """Return whether a real value belongs to the domain."""
        raise NotImplementedError

    def ends(self) -> tuple[Value, ...]:
        """Return the extreme real values, smallest first; all of them for a list of values."""
        raise NotImplementedError

    def draw(self, rng: np.random.Generator) -> Value:
        """Return one random real value, distributed as a random searcher would draw it."""
        raise NotImplementedError

    def to_coordinate(self, value: Any) -> Any:
        """Return where a contained real value lies on the searcher's scale."""
        return value

    def from_coordinate(self, x: Any) -> Value:
        """Return the real value at a point of the searcher's scale."""
        return x

    def to_mapping(self) -> dict[str, list[Any]]:
        """Return the YAML form: `{loguniform: [0.0001, 0.1]}`."""
        return {self.kind: self.arguments()}
