"""Numbers and tables as a report writes them."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from lru_tune.results.judging.stats import Summary

REASON_LENGTH = 160  # characters


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """Return the lines of a table."""
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(str(cell) for cell in line)} |" for line in lines]


def one_line(text: Any) -> str:
    """Return a text without line breaks, cut to REASON_LENGTH characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= REASON_LENGTH else line[: REASON_LENGTH - 1] + "…"


def number(value: Any) -> str:
    """Return four significant digits, "-" for a missing value, a text or truth value as it is."""
    if isinstance(value, str | bool):
        return str(value)
    return "-" if pd.isna(value) else significant(value, 4)


def significant(value: float, digits: int) -> str:
    """Return a number with so many significant digits; just below one, two of its distance at least.

    A modulus of 0.99996 would otherwise read as 1.
    """
    if 0.0 < 1.0 - value < 0.01:
        digits = max(digits, 1 + math.ceil(-math.log10(1.0 - value)))
    return f"{value:.{digits}g}"


def percent(value: float | None) -> str | None:
    """Return a share of 1 in percent, "-" for NaN and None for None."""
    if value is None:
        return None
    return "-" if math.isnan(value) else f"{value:.2%}"


def points(value: float) -> str:
    """Return a difference of shares in percentage points, with its sign."""
    return "-" if math.isnan(value) else f"{100 * value:+.2f} points"


def mean_std(summary: Summary) -> str:
    """Return "mean ± std" in percent, without the latter below two values."""
    if summary.n == 0:
        return "-"
    return f"{summary.mean:.2%}" + (f" ± {summary.std:.2%}" if summary.n > 1 else "")


def interval(summary: Summary) -> str:
    """Return the two ends of the interval in percent."""
    return f"{summary.low:.2%} to {summary.high:.2%}" if summary.n > 1 else "-"
