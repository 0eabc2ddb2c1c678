"""Coordinates: the scales on which a searcher draws, described without any search library."""

import math
from dataclasses import dataclass

import numpy as np

Value = float | int | str | bool | None


@dataclass(frozen=True)
class Float:
    """A real coordinate in [low, high], even on a log scale where `log`, in steps from low where `step`."""

    low: float
    high: float
    log: bool = False
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
class Int:
    """A whole coordinate in [low, high], both included, even on a log scale where `log`."""

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
    """One of some values, without order."""

    values: tuple[Value, ...]

    def draw(self, rng: np.random.Generator) -> Value:
        """Return a random coordinate."""
        return self.values[int(rng.integers(len(self.values)))]


Coordinate = Float | Int | Categorical
