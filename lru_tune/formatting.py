"""Lengths of time, numbers, accuracies and Markdown tables, the same wherever people read them."""

import math
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

LINE_LENGTH = 160  # characters of `one_line`


def duration(seconds: float) -> str:
    """Return a length of time with its two largest units: `42 s`, `3 min 05 s`, `2 h 10 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def significant(value: float, digits: int = 4) -> str:
    """Return a number with this many significant digits.

    Just below 1 it has at least two digits of its distance to 1: a modulus of 0.99996 must not read as 1.
    """
    if 0.0 < 1.0 - value < 0.01:
        digits = max(digits, 1 + math.ceil(-math.log10(1.0 - value)))
    return f"{value:.{digits}g}"


def number(value: Any) -> str:
    """Return a number with four significant digits, "-" for a missing value, anything else as text."""
    if isinstance(value, Real) and not isinstance(value, bool):
        return "-" if math.isnan(value) else significant(float(value))
    return "-" if value is None or str(value) == "<NA>" else str(value)  # pandas prints NA so


def percent(share: float) -> str:
    """Return an accuracy or another share in [0, 1] as `60.12%`; "-" for NaN."""
    return "-" if math.isnan(share) else f"{share:.2%}"


def points(difference: float) -> str:
    """Return a difference of shares in percentage points, with its sign; "-" for NaN."""
    return "-" if math.isnan(difference) else f"{100 * difference:+.2f} points"


def one_line(text: Any) -> str:
    """Return a text without line breaks, cut to LINE_LENGTH characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= LINE_LENGTH else line[: LINE_LENGTH - 1] + "…"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """Return the lines of a Markdown table; a `|` in a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(_cell(x) for x in line)} |" for line in lines]


def _cell(value: Any) -> str:
    return str(value).replace("|", r"\|")
