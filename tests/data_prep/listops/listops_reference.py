"""ListOps by plain recursion: a slow reference for `data_prep.listops.trees`, for tests and benchmarks."""

import random
from collections.abc import Iterator

from data_prep.listops.language import (
    CLOSE,
    DIGITS,
    LONGEST,
    MAX_ARGUMENTS,
    MAX_DEPTH,
    MIN_ARGUMENTS,
    OPERATOR_PROBABILITY,
    OPERATORS,
    SHORTEST,
)

Tree = int | tuple[str, list["Tree"]]


def random_tree(rng: random.Random, depth: int = 1) -> Tree:
    """Draw a tree whose root has this depth."""
    if depth == MAX_DEPTH or rng.random() >= OPERATOR_PROBABILITY:
        return rng.randrange(len(DIGITS))
    count = rng.randint(MIN_ARGUMENTS, MAX_ARGUMENTS)
    arguments = [random_tree(rng, depth + 1) for _ in range(count)]
    return rng.choice(tuple(OPERATORS)), arguments


def tree_length(tree: Tree) -> int:
    """Return the number of tokens of a tree."""
    return 1 if isinstance(tree, int) else 2 + sum(map(tree_length, tree[1]))


def tree_value(tree: Tree) -> int:
    """Return the value of a tree, 0..9."""
    return tree if isinstance(tree, int) else OPERATORS[tree[0]](list(map(tree_value, tree[1])))


def tree_tokens(tree: Tree) -> Iterator[str]:
    """Yield the tokens of a tree in reading order."""
    if isinstance(tree, int):
        yield DIGITS[tree]
        return
    yield tree[0]
    for argument in tree[1]:
        yield from tree_tokens(argument)
    yield CLOSE


def curried(tree: Tree) -> str:
    """Return the curried text of the published files: every application is a pair in parentheses."""
    if isinstance(tree, int):
        return DIGITS[tree]
    text = tree[0]
    for argument in tree[1]:
        text = f"( {text} {curried(argument)} )"
    return f"( {text} {CLOSE} )"


def accepted_trees(rng: random.Random, roots: int) -> Iterator[Tree]:
    """Draw `roots` random trees and yield those of accepted length."""
    for _ in range(roots):
        tree = random_tree(rng)
        if SHORTEST <= tree_length(tree) <= LONGEST:
            yield tree
