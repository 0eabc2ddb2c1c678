"""The vectorised generator: valid expressions from the published distribution."""

import hashlib
import random

import numpy as np
import pytest
from listops_reference import (
    accepted_trees,
    curried,
    random_tree,
    tree_length,
    tree_tokens,
    tree_value,
)
from scipy import stats

from data_prep.listops.language import (
    CLOSE,
    CLOSE_NUMBER,
    FIRST_OPERATOR,
    LONGEST,
    MAX_ARGUMENTS,
    MAX_DEPTH,
    OPERATORS,
    SHORTEST,
    SYMBOLS,
    evaluate,
)
from data_prep.listops.text import curry
from data_prep.listops.trees import Expressions, generate_block

BLOCKS, ROOTS = 10, 8192
# Published figures come from a sample of 6,000 trees, about as many as are drawn here. Five standard
# deviations of the difference, plus the rounding of the figure.
REFERENCE_TREES = 6000
DEVIATIONS = 5.0


@pytest.fixture(scope="module")
def sample() -> Expressions:
    blocks = [generate_block(0, block, ROOTS) for block in range(BLOCKS)]
    return Expressions(*(np.concatenate(arrays) for arrays in zip(*blocks, strict=True)))


def rows(expressions: Expressions) -> list[np.ndarray]:
    return np.split(expressions.tokens, np.cumsum(expressions.lengths)[:-1])


def tolerance(deviation: float, ours: int, rounding: float) -> float:
    return DEVIATIONS * deviation * np.sqrt(1 / ours + 1 / REFERENCE_TREES) + rounding


def test_values_are_those_of_the_evaluator():
    block = generate_block(3, 0)
    for tokens, value in zip(rows(block), block.values, strict=True):
        assert evaluate(" ".join(SYMBOLS[token] for token in tokens)) == value


def test_lengths_lie_in_the_window(sample):
    assert sample.lengths.min() >= SHORTEST
    assert sample.lengths.max() <= LONGEST
    assert sample.lengths.sum() == len(sample.tokens)


def test_depth_and_arguments_stay_within_their_limits(sample):
    arguments = []
    deepest = []
    for tokens in rows(sample)[:500]:
        opened: list[int] = []
        deepest.append(0)
        for token in tokens.tolist():
            if token == CLOSE_NUMBER:
                arguments.append(opened.pop())
            ends_an_argument = token < FIRST_OPERATOR or token == CLOSE_NUMBER
            if opened and ends_an_argument:
                opened[-1] += 1
            if FIRST_OPERATOR <= token < CLOSE_NUMBER:
                opened.append(0)
                deepest[-1] = max(deepest[-1], len(opened))
    assert set(arguments) == set(range(2, MAX_ARGUMENTS + 1))
    assert max(deepest) == MAX_DEPTH - 1
    assert np.mean(np.array(deepest) == MAX_DEPTH - 1) > 0.99


def test_a_block_is_a_function_of_its_arguments():
    first, again, other_block, other_seed = (
        generate_block(*arguments).tokens.tobytes()
        for arguments in ((1, 2), (1, 2), (1, 3), (2, 2))
    )
    assert first == again
    assert len({first, other_block, other_seed}) == 3


def test_a_block_stays_what_it_was_in_earlier_releases():
    """If the digest changes, equal seeds no longer give equal data: record it in the changelog."""
    block = generate_block(42, 0)
    digest = hashlib.sha256(block.tokens.tobytes() + block.values.tobytes()).hexdigest()
    assert digest[:16] == "523808d1ce1716c9"


@pytest.mark.parametrize("roots", [0, 1])
def test_blocks_without_an_accepted_tree(roots):
    block = generate_block(0, 1, roots)
    assert [len(array) for array in block] == [0, 0, 0]


def test_lengths_have_the_published_distribution(sample):
    count = len(sample.lengths)
    deviation = sample.lengths.std()
    assert sample.lengths.mean() == pytest.approx(1055, abs=tolerance(deviation, count, 0.5))
    for share, quantile in ((0.05, 539), (0.25, 717), (0.5, 982), (0.75, 1334), (0.95, 1819)):
        below = np.mean(sample.lengths <= quantile)
        spread = np.sqrt(share * (1 - share))
        assert below == pytest.approx(share, abs=tolerance(spread, count, 0.002)), quantile


def test_labels_have_the_published_shares(sample):
    count = len(sample.values)
    published = (0.170, 0.091, 0.073, 0.078, 0.089, 0.090, 0.082, 0.076, 0.077, 0.174)
    found = np.bincount(sample.values, minlength=10) / count
    for label, share in enumerate(published):
        spread = np.sqrt(share * (1 - share))
        assert found[label] == pytest.approx(share, abs=tolerance(spread, count, 0.0005)), label


def test_tokens_have_the_published_shares(sample):
    by_tree = np.stack([np.bincount(tokens, minlength=len(SYMBOLS)) for tokens in rows(sample)])
    shares = by_tree / sample.lengths[:, None]
    count = len(sample.lengths)
    for number, symbol in enumerate(SYMBOLS):
        published = {True: 0.0715, symbol in OPERATORS: 0.0356, symbol == CLOSE: 0.142}[True]
        # The rounding allows for the figures being shares of all tokens, not means over trees.
        allowed = tolerance(shares[:, number].std(), count, 0.0010)
        assert shares[:, number].mean() == pytest.approx(published, abs=allowed), symbol


def test_the_published_share_of_roots_is_accepted(sample):
    drawn = BLOCKS * ROOTS
    spread = np.sqrt(0.082 * 0.918 * (1 / drawn + 0.082 / REFERENCE_TREES))
    accepted = len(sample.values) / drawn
    assert accepted == pytest.approx(0.082, abs=DEVIATIONS * spread + 0.0005)


def test_the_operators_at_the_root_are_equally_frequent(sample):
    roots = sample.tokens[np.cumsum(sample.lengths) - sample.lengths]
    counts = np.bincount(roots - FIRST_OPERATOR, minlength=len(OPERATORS))
    assert len(counts) == len(OPERATORS)
    assert stats.chisquare(counts).pvalue > 1e-4


def test_digits_are_equally_frequent(sample):
    counts = np.bincount(sample.tokens, minlength=len(SYMBOLS))[:FIRST_OPERATOR]
    assert stats.chisquare(counts).pvalue > 1e-4


def test_the_slow_twin_agrees_with_itself():
    rng = random.Random(0)
    for _ in range(300):
        tree = random_tree(rng, depth=6)
        tokens = list(tree_tokens(tree))
        assert len(tokens) == tree_length(tree)
        assert evaluate(" ".join(tokens)) == evaluate(curried(tree)) == tree_value(tree)
        assert curry(tokens) == curried(tree)


@pytest.mark.slow
def test_slow_and_fast_generators_draw_from_one_distribution(sample):
    """Two-sample tests at 1e-4 each, on about 1,600 trees from plain recursion."""
    roots = 20_000
    trees = list(accepted_trees(random.Random(0), roots))
    lengths = np.array([tree_length(tree) for tree in trees])
    values = np.bincount([tree_value(tree) for tree in trees], minlength=10)
    assert stats.ks_2samp(lengths, sample.lengths).pvalue > 1e-4
    ours = np.bincount(sample.values, minlength=10)
    assert stats.chi2_contingency(np.stack([values, ours])).pvalue > 1e-4
    accepted = [[len(trees), roots - len(trees)], [len(sample.values), BLOCKS * ROOTS]]
    accepted[1][1] -= len(sample.values)
    assert stats.chi2_contingency(np.array(accepted)).pvalue > 1e-4
    operators = [sum(token in OPERATORS for token in tree_tokens(tree)) for tree in trees]
    found = [int((tokens == CLOSE_NUMBER).sum()) for tokens in rows(sample)]
    assert stats.ks_2samp(operators, found).pvalue > 1e-4
