"""Problems: a search space whose learning curves cost nothing, and what makes such curves harder to judge."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lru_tune.space.domains import Domain

Sample = dict[str, Any]
POOL = 4000  # random configurations that the scale of the regret is taken from
PLATEAU_NOISE = 1.0  # standard deviation of reports at chance, in points of accuracy


@dataclass(frozen=True)
class Problem:
    """One task to search on.

    Attributes:
      name: of the task.
      domains: field -> what it may be.
      curve: sample -> validation accuracy in per cent at every report, shape (reports,).
      reports: of a full training.
      best, median: final accuracies of a pool of random configurations.
      chance: accuracy of an untrained network.
    """

    name: str
    domains: Mapping[str, Domain]
    curve: Callable[[Sample], np.ndarray]
    reports: int
    best: float
    median: float
    chance: float

    def regret(self, accuracy: float) -> float:
        """Return 0 for the pool's best accuracy, 100 for its median, below 0 beyond the best."""
        return 100.0 * (self.best - accuracy) / (self.best - self.median)


@dataclass(frozen=True)
class Stress:
    """What a curve suffers before a search sees it; the true final accuracy stays.

    Attributes:
      plateau: per cent of the horizon in which every trial is at chance.
      noise: standard deviation over seeds, in points: one offset for all of a trial's reports.
      dead: per cent of the trials whose seed never learns.
    """

    plateau: float = 0.0
    noise: float = 0.0
    dead: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "Stress":
        """Return the stress of a text such as `none`, `plateau-20` or `noise-2+dead-10`.

        Raises:
          ValueError: the text names no stress.
        """
        if text == "none":
            return cls()
        parts = dict(part.partition("-")[::2] for part in text.split("+"))
        if unknown := parts.keys() - cls.__dataclass_fields__.keys():
            known = ", ".join(cls.__dataclass_fields__)
            raise ValueError(f"no such stress: {', '.join(unknown)}; known: none, {known}")
        return cls(**{name: float(number) for name, number in parts.items()})

    def apply(self, curve: np.ndarray, chance: float, rng: np.random.Generator) -> np.ndarray:
        """Return the reports that a search sees instead of a curve; equal draws for every stress."""
        offset, dead = rng.normal(), 100.0 * rng.random() < self.dead
        idle = chance + PLATEAU_NOISE * rng.normal(size=len(curve))
        count = len(curve) if dead else round(self.plateau / 100.0 * len(curve))
        seen = curve + self.noise * offset
        return np.concatenate([idle[:count], seen[count:]])
