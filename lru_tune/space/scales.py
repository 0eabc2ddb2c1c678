"""Coordinates: the scales on which a searcher draws, independent of any search library."""

import math
from dataclasses import dataclass

import numpy as np

Value = float | int | str | bool | None


@dataclass(frozen=True)
class Scale:
    """Numbers in [low, high], both included; distances are measured on a log scale where `log`."""

    low: float
    high: float
    log: bool = False

    def share(self, x: float) -> float:
        """Return the position of a number: 0 at low, 1 at high; NaN where the logarithm is not defined."""
        if math.isnan(x) or (self.log and x <= 0):
            return math.nan
        low, high = self._forward(self.low), self._forward(self.high)
        return (self._forward(x) - low) / ((high - low) or 1.0)

    def at(self, share: float) -> float:
        """Return the number at a position; the inverse of `share`."""
        low, high = self._forward(self.low), self._forward(self.high)
        x = low + share * (high - low)
        return math.exp(x) if self.log else x

    def _forward(self, x: float) -> float:
        return math.log(x) if self.log else float(x)


@dataclass(frozen=True)
class Float(Scale):
    """A real coordinate; with `step`, one of low, low + step, ..., high."""

    step: float | None = None

    def draw(self, rng: np.random.Generator) -> float:
        """Return a random coordinate."""
        if self.step is not None:
            count = round((self.high - self.low) / self.step)
            return min(self.low + self.step * int(rng.integers(count + 1)), self.high)
        if self.log:
            x = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
            return min(max(x, self.low), self.high)
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class Int(Scale):
    """An integer coordinate."""

    low: int
    high: int
    log: bool = False

    def draw(self, rng: np.random.Generator) -> int:
        """Return a random coordinate."""
        if self.log:
            x = math.exp(rng.uniform(math.log(self.low - 0.5), math.log(self.high + 0.5)))
            return min(max(round(x), self.low), self.high)
        return int(rng.integers(self.low, self.high, endpoint=True))


@dataclass(frozen=True)
class Categorical:
    """One of several values, without order."""

    values: tuple[Value, ...]

    def draw(self, rng: np.random.Generator) -> Value:
        """Return a random coordinate."""
        return self.values[int(rng.integers(len(self.values)))]


Coordinate = Float | Int | Categorical
