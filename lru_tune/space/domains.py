"""Domains: what a dimension of a search space may be, in real values and as a searcher sees it.

A domain knows no search library. It describes its `coordinate`, the scale on which a searcher draws, and
translates between the two; `one_minus_loguniform` is the only one whose coordinate is not the value.
"""

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeGuard

import numpy as np

from lru_tune.errors import did_you_mean
from lru_tune.space.scales import Categorical, Coordinate, Float, Int, Value

# 1 - (1 - x) is not x in floating point: without slack a range would not contain its own ends.
EDGE_TOLERANCE = 1e-9  # relative


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a number; a truth value, which Python counts among them, is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


class Domain(ABC):
    """What one dimension may be. Made by `parse_domain`; every domain is a frozen dataclass.

    Domains raise ValueError when what they are made of makes no sense.
    """

    kind: ClassVar[str]  # its name in YAML

    @property
    @abstractmethod
    def coordinate(self) -> Coordinate:
        """The scale on which a searcher draws."""

    @abstractmethod
    def arguments(self) -> list[Any]:
        """Return what stands behind the kind in YAML."""

    @abstractmethod
    def contains(self, value: Any) -> bool:
        """Return whether a real value belongs to the domain."""

    @abstractmethod
    def ends(self) -> tuple[Value, ...]:
        """Return the extreme real values, smallest first; all of them for a list of values."""

    def to_coordinate(self, value: Any) -> Any:
        """Return where a contained real value lies on the searcher's scale."""
        return value

    def from_coordinate(self, x: Any) -> Value:
        """Return the real value at a point of the searcher's scale."""
        value: Value = x
        return value

    def label(self, path: str) -> str:
        """Return what the searcher's scale of a field is called."""
        return path

    def draw(self, rng: np.random.Generator) -> Value:
        """Return a random real value, distributed as a random searcher draws it."""
        return self.from_coordinate(self.coordinate.draw(rng))

    def to_mapping(self) -> dict[str, list[Any]]:
        """Return the YAML form: `{loguniform: [0.0001, 0.1]}`."""
        return {self.kind: self.arguments()}


@dataclass(frozen=True)
class Range(Domain):
    """Numbers from low to high, both included."""

    low: float
    high: float

    def __post_init__(self) -> None:
        for name, number in (("low", self.low), ("high", self.high)):
            if not is_number(number):
                raise ValueError(f"{name} needs a number, got {number!r}")
            if not math.isfinite(number):
                raise ValueError(f"{name} needs a finite number, got {number}")
        if self.low > self.high:
            raise ValueError(f"low ({self.low:g}) is above high ({self.high:g}); swapped?")
        if self.coordinate.log and self.low <= 0:
            raise ValueError(f"log needs low > 0, got {self.low:g}")

    @property
    @abstractmethod
    def coordinate(self) -> Float | Int:
        """The scale on which a searcher draws."""

    def arguments(self) -> list[Any]:
        """Return [low, high]."""
        return [self.low, self.high]

    def contains(self, value: Any) -> bool:
        """Return whether a number lies in the range, give or take rounding."""
        if not is_number(value):
            return False
        return self.low <= value <= self.high or any(
            math.isclose(value, end, rel_tol=EDGE_TOLERANCE) for end in (self.low, self.high)
        )

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest real value."""
        return (self.low, self.high)

    def ends(self) -> tuple[Value, ...]:
        """Return the bounds."""
        return self.bounds

    def to_coordinate(self, value: float) -> float:
        """Return the value, rounding beyond an end undone."""
        return min(max(value, self.low), self.high)

    def from_coordinate(self, x: float) -> float:
        """Return the coordinate itself."""
        return x

    def place(self, value: float) -> float:
        """Return where a real value lies on the searcher's scale: 0 at the lower end, 1 at the upper one.

        Values outside lie beyond; NaN where the scale does not reach, as a logarithm at 0.
        """
        return self.coordinate.share(value)


@dataclass(frozen=True)
class Uniform(Range):
    """Real numbers, evenly."""

    kind = "uniform"

    @property
    def coordinate(self) -> Float:
        """The value itself."""
        return Float(self.low, self.high)


@dataclass(frozen=True)
class LogUniform(Range):
    """Real numbers, evenly on a log scale: rates."""

    kind = "loguniform"

    @property
    def coordinate(self) -> Float:
        """The value itself."""
        return Float(self.low, self.high, log=True)


@dataclass(frozen=True)
class OneMinusLogUniform(Range):
    """Numbers 1 - x with x log-uniform in [low, high]: moduli and decay rates close to one.

    low and high are those of x, so that [1e-4, 1e-1] are the values from 0.9 to 0.9999.
    """

    kind = "one_minus_loguniform"

    @property
    def coordinate(self) -> Float:
        """The distance to one."""
        return Float(self.low, self.high, log=True)

    def label(self, path: str) -> str:
        """Return `1 - <field>`."""
        return f"1 - {path}"

    def contains(self, value: Any) -> bool:
        """Return whether 1 - value lies in the range, give or take rounding."""
        if not is_number(value):
            return False
        slack = EDGE_TOLERANCE * self.low + sys.float_info.epsilon  # 1 - x loses half of one
        return bool(self.low - slack <= 1.0 - value <= self.high + slack)

    @property
    def bounds(self) -> tuple[float, float]:
        """1 - high and 1 - low."""
        return (1.0 - self.high, 1.0 - self.low)

    def to_coordinate(self, value: float) -> float:
        """Return 1 - value, rounding beyond an end undone."""
        return super().to_coordinate(1.0 - value)

    def from_coordinate(self, x: float) -> float:
        """Return 1 - x."""
        return 1.0 - x

    def place(self, value: float) -> float:
        """Return where a real value lies; the scale runs the other way."""
        return 1.0 - self.coordinate.share(1.0 - value)


@dataclass(frozen=True)
class QUniform(Range):
    """Real numbers low, low + q, low + 2 q, ..., high."""

    q: float
    kind = "quniform"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (is_number(self.q) and self.q > 0):
            raise ValueError(f"q needs a number above 0, got {self.q!r}")
        count = (self.high - self.low) / self.q
        if abs(count - round(count)) > 1e-6 * max(1.0, count):
            nearest = self.low + self.q * math.floor(count)
            raise ValueError(
                f"high ({self.high:g}) is not low plus a multiple of q ({self.q:g}); nearest: {nearest:g}"
            )

    @property
    def coordinate(self) -> Float:
        """The value itself."""
        return Float(self.low, self.high, step=self.q)

    def arguments(self) -> list[Any]:
        """Return [low, high, q]."""
        return [self.low, self.high, self.q]

    def contains(self, value: Any) -> bool:
        """Return whether a number is one of the steps, give or take rounding."""
        if not super().contains(value):
            return False
        count = (value - self.low) / self.q
        return bool(abs(count - round(count)) <= 1e-6 * max(1.0, abs(count)))


@dataclass(frozen=True)
class RandInt(Range):
    """Whole numbers, evenly, both ends included."""

    low: int
    high: int
    kind = "randint"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, number in (("low", self.low), ("high", self.high)):
            if not isinstance(number, int):
                raise ValueError(f"{name} needs a whole number, got {number:g}")

    @property
    def coordinate(self) -> Int:
        """The value itself."""
        return Int(self.low, self.high)

    def contains(self, value: Any) -> bool:
        """Return whether a number is whole and in the range."""
        return super().contains(value) and float(value).is_integer()


@dataclass(frozen=True)
class LogRandInt(RandInt):
    """Whole numbers, evenly on a log scale, both ends included."""

    kind = "lograndint"

    @property
    def coordinate(self) -> Int:
        """The value itself."""
        return Int(self.low, self.high, log=True)


@dataclass(frozen=True)
class Choice(Domain):
    """One of some values, without order."""

    values: tuple[Value, ...]
    kind = "choice"

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"{self.kind} needs at least one value")
        if any(isinstance(value, list | dict) for value in self.values):
            raise ValueError(f"{self.kind} needs plain values, got {list(self.values)}")
        if len(set(self.values)) < len(self.values):
            raise ValueError(f"{self.kind} names a value twice: {list(self.values)}")

    @property
    def coordinate(self) -> Categorical:
        """The value itself."""
        return Categorical(self.values)

    def arguments(self) -> list[Any]:
        """Return the values."""
        return list(self.values)

    def contains(self, value: Any) -> bool:
        """Return whether a value is one of them."""
        return value in self.values

    def ends(self) -> tuple[Value, ...]:
        """Return all values, as written."""
        return self.values


@dataclass(frozen=True)
class Grid(Choice):
    """Values that the grid searcher tries all; a choice for every other searcher."""

    kind = "grid"


DOMAINS: dict[str, type[Domain]] = {
    "uniform": Uniform,
    "loguniform": LogUniform,
    "one_minus_loguniform": OneMinusLogUniform,
    "quniform": QUniform,
    "randint": RandInt,
    "lograndint": LogRandInt,
    "choice": Choice,
    "grid": Grid,
}
_WRITTEN: dict[type[Domain], str] = {QUniform: "[low, high, q]", Choice: "[a, b]", Grid: "[a, b]"}


def parse_domain(written: Any) -> Domain:
    """Return the domain of `{kind: [...]}`.

    Raises:
      ValueError: it is not written so, or its numbers make no sense.
    """
    if not isinstance(written, Mapping) or len(written) != 1:
        raise ValueError(_no_domain(written))
    ((kind, arguments),) = written.items()
    if kind not in DOMAINS:
        raise ValueError(f"unknown domain {kind!r}.{did_you_mean(kind, DOMAINS)}")
    domain = DOMAINS[kind]
    form = _WRITTEN.get(domain, "[low, high]")
    if issubclass(domain, Choice):
        if not isinstance(arguments, list):
            raise ValueError(
                f"{kind!r} needs a list, got {arguments!r}. Write {kind}: [{arguments}]."
            )
        return domain(tuple(arguments))
    if not isinstance(arguments, list) or len(arguments) != form.count(",") + 1:
        raise ValueError(f"{kind!r} needs {form}, got {arguments!r}")
    return domain(*arguments)


def _no_domain(written: Any) -> str:
    if isinstance(written, list):
        return f"needs a domain; for a list of values write {{choice: {written}}}"
    known = ", ".join(DOMAINS)
    return (
        f"needs one domain such as {{loguniform: [0.001, 0.1]}}, got {written!r}. Known: {known}."
    )
