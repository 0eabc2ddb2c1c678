"""Random ListOps expressions, drawn as whole blocks of trees with NumPy.

All operators of one depth form a level: the number of arguments of each, and a mask over their concatenated
arguments that says which are operators themselves; those, in order, are the next level. Levels are drawn
downwards, evaluated upwards, and written as tokens downwards. `listops_reference.py` in the tests does the
same with plain recursion.

Letters: M operators of a level, A arguments of all of them together, N accepted trees.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from data_prep.listops.language import (
    CLOSE_NUMBER,
    DIGITS,
    FIRST_OPERATOR,
    LONGEST,
    MAX_ARGUMENTS,
    MAX_DEPTH,
    MIN_ARGUMENTS,
    OPERATOR_PROBABILITY,
    OPERATORS,
    SHORTEST,
)

ROOTS_PER_BLOCK = 8192  # about 680 accepted trees: long arrays that still fit into a cache
OPERATOR_BELOW = int(256 * OPERATOR_PROBABILITY)  # exact, as a byte has 256 values


class Expressions(NamedTuple):
    """Expressions and their values.

    Attributes:
      tokens: (sum of lengths,) uint8 indices into SYMBOLS, one expression after the other.
      lengths: (N,) number of tokens of each expression.
      values: (N,) uint8 in 0..9.
    """

    tokens: np.ndarray
    lengths: np.ndarray
    values: np.ndarray

    def part(self, rows: slice) -> "Expressions":
        """Return a range of expressions."""
        before = int(self.lengths[: rows.start].sum())
        lengths = self.lengths[rows]
        tokens = self.tokens[before : before + int(lengths.sum())]
        return Expressions(tokens, lengths, self.values[rows])


class Level(NamedTuple):
    """The operators at one depth.

    Attributes:
      trees: (M,) the tree of each operator, ascending.
      counts: (M,) uint8, number of arguments of each operator.
      nested: (A,) whether an argument is an operator, which is then in the next level.
    """

    trees: np.ndarray
    counts: np.ndarray
    nested: np.ndarray


class Content(NamedTuple):
    """Operators, values and sizes at one depth.

    Attributes:
      operators: (M,) uint8 indices into OPERATORS.
      values: (M,) uint8 in 0..9.
      sizes: (M,) number of tokens from the operator to its closing bracket.
      argument_values: (A,) uint8 in 0..9.
      argument_sizes: (A,) number of tokens of each argument.
    """

    operators: np.ndarray
    values: np.ndarray
    sizes: np.ndarray
    argument_values: np.ndarray
    argument_sizes: np.ndarray


def generate_block(seed: int, block: int, roots: int = ROOTS_PER_BLOCK) -> Expressions:
    """Draw `roots` random trees and return those of accepted length.

    The result depends on the arguments only, not on the process that draws the block.
    """
    rng = np.random.default_rng([seed, block])
    levels = _draw_shapes(rng, roots)
    contents = _fill(rng, levels)
    return Expressions(_write(levels, contents), contents[0].sizes, contents[0].values)


def _draw_shapes(rng: np.random.Generator, roots: int) -> list[Level]:
    """Draw trees level by level; drop a tree as soon as it is too long."""
    levels = []
    lengths = np.ones(roots, np.int64)  # an operator counts as one token until it is opened
    trees = np.flatnonzero(_are_operators(rng, roots))
    for depth in range(1, MAX_DEPTH):
        counts = rng.integers(MIN_ARGUMENTS, MAX_ARGUMENTS, len(trees), np.uint8, endpoint=True)
        lengths += np.bincount(trees, weights=counts + 1.0, minlength=roots).astype(np.int64)
        possible = lengths[trees] <= LONGEST
        trees, counts = trees[possible], counts[possible]
        owners = np.repeat(trees, counts)
        nested = _are_operators(rng, len(owners)) & (depth + 1 < MAX_DEPTH)
        levels.append(Level(trees, counts, nested))
        trees = owners[nested]
    accepted = (lengths >= SHORTEST) & (lengths <= LONGEST)
    return [_select(level, accepted[level.trees]) for level in levels]


def _are_operators(rng: np.random.Generator, nodes: int) -> np.ndarray:
    return np.frombuffer(rng.bytes(nodes), np.uint8) < OPERATOR_BELOW


def _select(level: Level, chosen: np.ndarray) -> Level:
    nested = level.nested[np.repeat(chosen, level.counts)]
    return Level(level.trees[chosen], level.counts[chosen], nested)


def _fill(rng: np.random.Generator, levels: list[Level]) -> list[Content]:
    """Draw digits and operators and evaluate them, from the deepest level up."""
    contents: list[Content] = []
    inner_values = np.zeros(0, np.uint8)
    inner_sizes = np.zeros(0, np.int64)
    for level in reversed(levels):
        argument_values = rng.integers(0, len(DIGITS), len(level.nested), np.uint8)
        argument_values[level.nested] = inner_values
        argument_sizes = np.ones(len(level.nested), np.int64)
        argument_sizes[level.nested] = inner_sizes
        operators = rng.integers(0, len(OPERATORS), len(level.counts), np.uint8)
        inner_values = _apply(operators, argument_values, level.counts)
        inner_sizes = 2 + np.add.reduceat(argument_sizes, _starts(level.counts))
        contents.append(
            Content(operators, inner_values, inner_sizes, argument_values, argument_sizes)
        )
    return contents[::-1]


def _apply(operators: np.ndarray, arguments: np.ndarray, counts: np.ndarray) -> np.ndarray:
    values = np.empty(len(operators), np.uint8)
    appliers = np.repeat(operators, counts)
    for number, name in enumerate(OPERATORS):
        chosen = operators == number
        values[chosen] = SEGMENTWISE[name](arguments[appliers == number], counts[chosen])
    return values


def _starts(counts: np.ndarray) -> np.ndarray:
    """Return where each of several concatenated segments starts, given their lengths."""
    starts: np.ndarray = np.cumsum(counts, dtype=np.int64) - counts
    return starts


def _medians(arguments: np.ndarray, counts: np.ndarray) -> np.ndarray:
    filled = np.arange(MAX_ARGUMENTS) < counts[:, None]
    table = np.full(filled.shape, 255, np.uint8)
    table[filled] = arguments
    table.sort(axis=1)
    rows = np.arange(len(counts))
    middle: np.ndarray = table[rows, (counts - 1) // 2] + table[rows, counts // 2]
    return middle // 2


# Each takes (A,) concatenated arguments and (M,) numbers of arguments, and returns (M,) uint8 values. No sum
# reaches 256.
SEGMENTWISE: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "[MIN": lambda arguments, counts: np.minimum.reduceat(arguments, _starts(counts)),
    "[MAX": lambda arguments, counts: np.maximum.reduceat(arguments, _starts(counts)),
    "[MED": _medians,
    "[SM": lambda arguments, counts: (
        np.add.reduceat(arguments, _starts(counts), dtype=np.uint8) % len(DIGITS)
    ),
}


def _write(levels: list[Level], contents: list[Content]) -> np.ndarray:
    """Return the tokens of all trees in reading order, from the roots down."""
    tokens = np.empty(int(contents[0].sizes.sum()), np.uint8)
    places = _starts(contents[0].sizes)  # (M,) positions of the operators of the level
    for level, content in zip(levels, contents, strict=True):
        tokens[places] = FIRST_OPERATOR + content.operators
        tokens[places + content.sizes - 1] = CLOSE_NUMBER
        before = _starts(content.argument_sizes)
        shifts = places + 1 - before[_starts(level.counts)]
        argument_places = before + np.repeat(shifts, level.counts)
        # Nested arguments get their value here and are overwritten by the next level.
        tokens[argument_places] = content.argument_values
        places = argument_places[level.nested]
    return tokens
