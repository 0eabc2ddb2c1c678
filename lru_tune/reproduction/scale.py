"""At which scale a table is run again, and what keeps it from being comparable with what was published."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Scaled = float | Literal["paper", "quick"]


@dataclass(frozen=True)
class Setting:
    """The scale of a reproduction and what is changed in it.

    Attributes:
      scale: "paper", "quick" (small models, few examples), or a fraction of the paper's optimiser steps.
      synthetic: whether the tasks' tiny twins stand in for the data.
      overrides: `key=value` texts, over everything else.
      rates: learning rates to try instead of the table's own; empty: those.
    """

    scale: Scaled = "paper"
    synthetic: bool = False
    overrides: tuple[str, ...] = ()
    rates: tuple[float, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Why nothing that comes out may be compared with the paper; empty where it may."""
        found = []
        if self.scale == "quick":
            found.append("QUICK: small models, few examples, few steps")
        elif self.scale != "paper":
            found.append(f"SCALED: {self.scale:g} of the paper's optimiser steps")
        if self.synthetic:
            found.append("SYNTHETIC: tiny generated stand-ins for the data")
        if self.overrides:
            found.append(f"CHANGED: {', '.join(self.overrides)}")
        return tuple(found)

    @property
    def suffix(self) -> str:
        """What the name of a table's folder ends with."""
        parts = []
        if self.scale == "quick":
            parts.append("-quick")
        elif self.scale != "paper":
            parts.append(f"-scale{self.scale:g}")
        if self.synthetic:
            parts.append("-synthetic")
        if self.overrides:
            parts.append(f"-changed-{_key(self.overrides)}")
        if self.rates:
            parts.append(f"-rates-{_key(map(repr, self.rates))}")
        return "".join(parts)


def _key(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:6]
