"""Constraints between fields, as small safe expressions: `model.recurrence.r_min < model.recurrence.r_max`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Constraint:
    """A comparison every sample has to satisfy.

    Attributes:
      text: as written.
      names: the dotted fields it reads, sorted.
    """

    text: str
    names: tuple[str, ...]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Return whether the expression is true of these values (dotted field -> value)."""
        raise NotImplementedError
