"""A published number, as its table prints it."""

import re
from typing import Any, Literal

from pydantic import Field

from lru_tune.config.schema import Count, Strict

AT_CHANCE = "x"  # the paper's mark for a model that was not better than chance
_PRINTED = re.compile(r"(?P<mean>\d+(\.\d+)?)( \((?P<error>\d+(\.\d+)?)\))?")

Confidence = Literal["verified", "quoted"]


class Published(Strict):
    """A number of a table.

    Attributes:
      mean: accuracy in percent (0 to 100), or optimiser steps a second in the table of speeds; None where
        the table says "at chance" instead of a number.
      standard_error: of the mean, same unit, as printed (so 0.0 means below 0.05); None where not given.
      n: number of runs behind the mean; None where not given.
      at_chance: the table says that the model was not better than chance.
      source: work, table and row.
      confidence: `verified` was read in the source that reports it; `quoted` was read in a table that
        repeats another work's number.
      note: a remark, or "".
    """

    mean: float | None = Field(ge=0.0)
    standard_error: float | None = Field(default=None, ge=0.0)
    n: Count | None = None
    at_chance: bool = False
    source: str = Field(min_length=1)
    confidence: Confidence = "verified"
    note: str = ""

    def __str__(self) -> str:
        """Return the number as the table prints it: `60.2 (0.8)`, `91.1` or `x`."""
        if self.mean is None:
            return AT_CHANCE
        error = self.standard_error
        return f"{self.mean}" if error is None else f"{self.mean} ({error})"


def read_printed(printed: str | float | int) -> dict[str, Any]:
    """Return the fields of Published that a printed number says: `72.2 (0.2)`, `91.1` or `x`.

    Raises:
      ValueError: it is none of these.
    """
    if printed == AT_CHANCE:
        return {"mean": None, "at_chance": True}
    found = _PRINTED.fullmatch(str(printed))
    if found is None:
        raise ValueError(
            f"expected a number, `mean (standard error)` or {AT_CHANCE}, got {printed!r}"
        )
    error = found["error"]
    return {
        "mean": float(found["mean"]),
        "standard_error": None if error is None else float(error),
    }
