"""Domains: the values that a dimension of a search space may take.

A domain knows no search library. It describes the scale on which a searcher draws, its `coordinate`, and
converts between the two: only for `one_minus_loguniform` the coordinate is not the value itself.
"""

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeGuard

import numpy as np

from lru_tune.errors import Invalid, did_you_mean
from lru_tune.space.scales import Categorical, Coordinate, Float, Int, Value

# 1 - (1 - x) is not x in floating point: without slack a range would not contain its own ends.
EDGE_TOLERANCE = 1e-9  # relative


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is an int or a float, but not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


class Domain(ABC):
    """The values of one dimension. Made by `parse_domain`; every domain is a frozen dataclass.

    Raises:
      Invalid: the bounds or values make no sense.
    """

    kind: ClassVar[str]  # its name in YAML

    @property
    @abstractmethod
    def coordinate(self) -> Coordinate:
        """The scale on which a searcher draws."""

    @abstractmethod
    def arguments(self) -> list[Any]:
        """Return the list after the kind in YAML."""

    @abstractmethod
    def contains(self, value: Any) -> bool:
        """Return whether a value belongs to the domain."""

    @abstractmethod
    def ends(self) -> tuple[Value, ...]:
        """Return the smallest and the largest value; every value of a choice."""

    def to_coordinate(self, value: Any) -> Any:
        """Return the coordinate of a value of the domain."""
        return value

    def from_coordinate(self, x: Any) -> Value:
        """Return the value at a coordinate."""
        value: Value = x
        return value

    def label(self, path: str) -> str:
        """Return the name of the coordinate of a field."""
        return path

    def draw(self, rng: np.random.Generator) -> Value:
        """Return a random value, distributed as the random searcher draws it."""
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
            if not (is_number(number) and math.isfinite(number)):
                raise Invalid(
                    "space.bad-bound", name=name, expected="a finite number", given=number
                )
        if self.low > self.high:
            raise Invalid("space.bounds-swapped", low=self.low, high=self.high)
        if self.coordinate.log and self.low <= 0:
            raise Invalid("space.log-of-zero", low=self.low)

    @property
    @abstractmethod
    def coordinate(self) -> Float | Int:
        """The scale on which a searcher draws."""

    def arguments(self) -> list[Any]:
        """Return [low, high]."""
        return [self.low, self.high]

    def contains(self, value: Any) -> bool:
        """Return whether a number lies in the range, up to rounding."""
        if not is_number(value):
            return False
        return self.low <= value <= self.high or any(
            math.isclose(value, end, rel_tol=EDGE_TOLERANCE) for end in (self.low, self.high)
        )

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest value."""
        return (self.low, self.high)

    def ends(self) -> tuple[Value, ...]:
        """Return the bounds."""
        return self.bounds

    def to_coordinate(self, value: float) -> float:
        """Return the value, clipped to the range."""
        return min(max(value, self.low), self.high)

    def from_coordinate(self, x: float) -> float:
        """Return the coordinate itself."""
        return x

    def place(self, value: float) -> float:
        """Return the position of a value on the searcher's scale: 0 at the smallest value, 1 at the largest.

        Values outside of the range are below 0 or above 1; NaN where the scale is not defined, as the
        logarithm of 0.
        """
        return self.coordinate.share(value)


@dataclass(frozen=True)
class Uniform(Range):
    """Real numbers, uniformly distributed."""

    kind = "uniform"

    @property
    def coordinate(self) -> Float:
        """The value itself."""
        return Float(self.low, self.high)


@dataclass(frozen=True)
class LogUniform(Range):
    """Real numbers, uniformly distributed on a log scale."""

    kind = "loguniform"

    @property
    def coordinate(self) -> Float:
        """The value itself."""
        return Float(self.low, self.high, log=True)


@dataclass(frozen=True)
class OneMinusLogUniform(Range):
    """Numbers 1 - x with x log-uniform in [low, high], for moduli and decay rates close to one.

    low and high are the bounds of x: [1e-4, 1e-1] gives values from 0.9 to 0.9999.
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
        """Return whether 1 - value lies in the range, up to rounding."""
        if not is_number(value):
            return False
        slack = (
            EDGE_TOLERANCE * self.low + sys.float_info.epsilon
        )  # 1 - x is rounded to half an epsilon
        return bool(self.low - slack <= 1.0 - value <= self.high + slack)

    @property
    def bounds(self) -> tuple[float, float]:
        """1 - high and 1 - low."""
        return (1.0 - self.high, 1.0 - self.low)

    def to_coordinate(self, value: float) -> float:
        """Return 1 - value, clipped to the range."""
        return super().to_coordinate(1.0 - value)

    def from_coordinate(self, x: float) -> float:
        """Return 1 - x."""
        return 1.0 - x

    def place(self, value: float) -> float:
        """Return the position of a value; the scale runs the other way."""
        return 1.0 - self.coordinate.share(1.0 - value)


@dataclass(frozen=True)
class QUniform(Range):
    """Real numbers low, low + q, low + 2 q, ..., high."""

    q: float
    kind = "quniform"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (is_number(self.q) and self.q > 0):
            raise Invalid(
                "space.bad-bound", name="q", expected="a number greater than 0", given=self.q
            )
        count = (self.high - self.low) / self.q
        if abs(count - round(count)) > 1e-6 * max(1.0, count):
            nearest = self.low + self.q * math.floor(count)
            raise Invalid("space.step-misses-high", high=self.high, q=self.q, nearest=nearest)

    @property
    def coordinate(self) -> Float:
        """The value itself."""
        return Float(self.low, self.high, step=self.q)

    def arguments(self) -> list[Any]:
        """Return [low, high, q]."""
        return [self.low, self.high, self.q]

    def contains(self, value: Any) -> bool:
        """Return whether a number is one of the steps, up to rounding."""
        if not super().contains(value):
            return False
        count = (value - self.low) / self.q
        return bool(abs(count - round(count)) <= 1e-6 * max(1.0, abs(count)))


@dataclass(frozen=True)
class RandInt(Range):
    """Integers, uniformly distributed, both bounds included."""

    low: int
    high: int
    kind = "randint"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, number in (("low", self.low), ("high", self.high)):
            if not isinstance(number, int):
                raise Invalid("space.bad-bound", name=name, expected="an integer", given=number)

    @property
    def coordinate(self) -> Int:
        """The value itself."""
        return Int(self.low, self.high)

    def contains(self, value: Any) -> bool:
        """Return whether a number is an integer in the range."""
        return super().contains(value) and float(value).is_integer()


@dataclass(frozen=True)
class LogRandInt(RandInt):
    """Integers, uniformly distributed on a log scale, both bounds included."""

    kind = "lograndint"

    @property
    def coordinate(self) -> Int:
        """The value itself."""
        return Int(self.low, self.high, log=True)


@dataclass(frozen=True)
class Choice(Domain):
    """One of several values, without order."""

    values: tuple[Value, ...]
    kind = "choice"

    def __post_init__(self) -> None:
        if not self.values:
            raise Invalid("space.choice-of-nothing")
        if any(isinstance(value, list | dict) for value in self.values):
            raise Invalid("space.choice-of-lists", values=list(self.values))
        if len(set(self.values)) < len(self.values):
            raise Invalid("space.choice-repeats", values=list(self.values))

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
        """Return all values, in the order written."""
        return self.values


DOMAINS: dict[str, type[Domain]] = {
    "uniform": Uniform,
    "loguniform": LogUniform,
    "one_minus_loguniform": OneMinusLogUniform,
    "quniform": QUniform,
    "randint": RandInt,
    "lograndint": LogRandInt,
    "choice": Choice,
    "grid": Choice,  # accepted as another spelling of `choice`
}


def parse_domain(written: Any) -> Domain:
    """Return the domain of `{kind: [...]}`.

    Raises:
      Invalid: it is not written in this form, or its bounds make no sense.
    """
    if isinstance(written, list):
        raise Invalid("space.list-without-domain", values=written)
    if not isinstance(written, Mapping) or len(written) != 1:
        raise Invalid("space.not-a-domain", given=written, known=", ".join(DOMAINS))
    ((kind, arguments),) = written.items()
    if kind not in DOMAINS:
        raise Invalid("space.unknown-domain", kind=kind, hint=did_you_mean(kind, DOMAINS))
    domain = DOMAINS[kind]
    if issubclass(domain, Choice):
        if not isinstance(arguments, list):
            raise Invalid("space.choice-without-list", kind=kind, given=arguments)
        return domain(tuple(arguments))
    form = "[low, high, q]" if domain is QUniform else "[low, high]"
    if not isinstance(arguments, list) or len(arguments) != form.count(",") + 1:
        raise Invalid("space.domain-arguments", kind=kind, form=form, given=arguments)
    return domain(*arguments)
