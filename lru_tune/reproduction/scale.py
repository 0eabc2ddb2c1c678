"""The scale of a reproduction, and the labels of results that cannot be compared with the paper."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Scaled = float | Literal["paper", "quick"]


@dataclass(frozen=True)
class Setting:
    """The scale of a reproduction and its changes.

    Attributes:
      scale: "paper", "quick" (small models, few examples), or a fraction of the paper's optimiser steps.
      synthetic: whether to use the tasks' small synthetic data.
      overrides: `key=value` strings that override everything else.
      rates: learning rates to try instead of the table's; empty for the table's.
    """

    scale: Scaled = "paper"
    synthetic: bool = False
    overrides: tuple[str, ...] = ()
    rates: tuple[float, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The reasons why results cannot be compared with the paper; empty if they can."""
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
        """The suffix of the name of a table's folder."""
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
