"""The ListOps language: its symbols, its operators, and which random trees are accepted.

An expression is a digit, or an operator followed by two to ten expressions and a closing bracket. Its
tokens are its symbols in reading order; a symbol's number is its index in SYMBOLS.

Source: Nangia & Bowman 2018 (the language); Tay et al. 2021 (the sizes).
"""

import statistics
from collections.abc import Callable, Sequence

from lru_tune.errors import Invalid

DIGITS = tuple("0123456789")
CLOSE = "]"
PARENTHESES = ("(", ")")  # of the curried form; ignored


def _truncated_median(values: Sequence[int]) -> int:
    return int(statistics.median(values))


OPERATORS: dict[str, Callable[[Sequence[int]], int]] = {
    "[MIN": min,
    "[MAX": max,
    "[MED": _truncated_median,
    "[SM": lambda values: sum(values) % 10,
}

SYMBOLS = (*DIGITS, *OPERATORS, CLOSE)
FIRST_OPERATOR = len(DIGITS)
CLOSE_NUMBER = SYMBOLS.index(CLOSE)

OPERATOR_PROBABILITY = 0.25  # of a node above the greatest depth
MIN_ARGUMENTS = 2
MAX_ARGUMENTS = 10
MAX_DEPTH = 10  # the root has depth 1; nodes at the greatest depth are digits
SHORTEST = 501  # tokens of an accepted expression
LONGEST = 1999


def evaluate(expression: str) -> int:
    """Return the value (0..9) of an expression with blanks between its tokens.

    Parentheses are ignored, so that it may have the curried form of the published files.

    Raises:
      Invalid: the text is not one whole expression.
    """
    pending: list[tuple[str, list[int]]] = [("", [])]  # open operators, below a dummy
    for place, token in enumerate(expression.split(), start=1):
        if token in PARENTHESES:
            continue
        if token in OPERATORS:
            pending.append((token, []))
        elif token in DIGITS:
            pending[-1][1].append(int(token))
        elif token == CLOSE and len(pending) > 1 and pending[-1][1]:
            operator, arguments = pending.pop()
            pending[-1][1].append(OPERATORS[operator](arguments))
        else:
            raise Invalid("published.listops-unexpected", token=token, place=place)
    if len(pending) > 1:
        raise Invalid("published.listops-open", operator=pending[-1][0])
    values = pending[0][1]
    if len(values) != 1:
        raise Invalid("published.listops-count", found=len(values))
    return values[0]
