"""How often verdicts are right and wrong, by simulation; `pytest -s -m "slow or not slow"` prints the rates.

Runs of both sides scatter normally. The paper's side is three runs whose mean and standard error are
printed to one decimal, as in its tables; "a margin" is the one that follows from its true spread. The
numbers in docs/verdicts.md are the long runs'.
"""

import math

import numpy as np
import pytest

from lru_tune.results.judging.equivalence import Reference, classify, seeds_needed, welch

LEVEL = 0.05
CONFIDENCE = 1 - LEVEL
SPREADS = (
    0.1,
    0.2,
    0.35,
    0.5,
    1.0,
    1.4,
)  # of runs, points; most cells of the paper have 0.1 to 1.4
SEEDS = (3, 5, 10, 30)
WORDS = ("REPRODUCED", "BELOW", "ABOVE", "INCONCLUSIVE")

pytestmark = pytest.mark.parametrize(
    "repetitions", [2_000, pytest.param(100_000, marks=pytest.mark.slow)], ids=["short", "long"]
)


def print_published(spread, repetitions, rng):
    """What papers with the true mean 60 print: references, and the margins that follow."""
    runs = rng.normal(60.0, spread, (repetitions, 3))
    mean, error = runs.mean(1).round(1), (runs.std(1, ddof=1) / math.sqrt(3)).round(1)
    return Reference(mean, np.where(error == 0, 0.05, error), 2), np.maximum(0.5, 3 * error)


def true_margin(spread):
    return max(0.5, 3 * spread / math.sqrt(3))


def judge_all(ours, reference, margin):
    return classify(ours.mean(1), ours.std(1, ddof=1), ours.shape[1], reference, margin, CONFIDENCE)


def shares(name, words):
    """Share of each word, printed as a line."""
    found = {word: float(np.mean(words == word)) for word in WORDS}
    print(f"{name:50}", "  ".join(f"{word} {share:6.1%}" for word, share in found.items()))
    return found


def simulate(shift, spread, seeds, repetitions, rng, ratio=1.0):
    """Words when our true mean is `shift` margins above the paper's, our spread `ratio` times its."""
    reference, margin = print_published(spread, repetitions, rng)
    ours = rng.normal(60.0 + shift * true_margin(spread), ratio * spread, (repetitions, seeds))
    name = f"{shift:+d} margins, spread {spread:g} x {ratio:g}, {seeds} seeds"
    return shares(name, judge_all(ours, reference, margin))


def add_until_decided(ours, reference, margin):
    """Words when seeds are added one by one until one falls."""
    words = np.full(len(ours), "INCONCLUSIVE")
    for seeds in range(3, ours.shape[1] + 1):
        undecided = words == "INCONCLUSIVE"
        words[undecided] = judge_all(ours[:, :seeds], reference, margin)[undecided]
    return words


def test_the_interval_covers_about_as_often_as_it_says(repetitions):
    rng = np.random.default_rng(1)
    for ratio in (0.3, 1.0, 3.0):
        theirs = rng.normal(60.0, 0.5, (repetitions, 3))
        ours = rng.normal(61.0, 0.5 * ratio, (repetitions, 5))
        reference = Reference(theirs.mean(1), theirs.std(1, ddof=1) / math.sqrt(3), 2)
        low, high = welch(ours.mean(1), ours.std(1, ddof=1), 5, reference, 0.95)
        covered = np.mean((low < 1.0) & (high > 1.0))
        print(f"95 % interval of the difference, our spread {ratio:g} times theirs: {covered:.1%}")
        # Welch's degrees of freedom are an approximation; at three and five runs it gives 93.5 %.
        assert covered > 0.935 - 4 * math.sqrt(0.065 * 0.935 / repetitions)


@pytest.mark.parametrize("spread", SPREADS)
def test_the_same_model_is_hardly_ever_called_different(repetitions, spread):
    rng = np.random.default_rng(2)
    for seeds in SEEDS:
        found = simulate(0, spread, seeds, repetitions, rng)
        assert found["BELOW"] + found["ABOVE"] < LEVEL
        assert found["REPRODUCED"] > 0.25


@pytest.mark.parametrize("spread", SPREADS)
def test_two_margins_away_is_hardly_ever_called_reproduced(repetitions, spread):
    rng = np.random.default_rng(3)
    for seeds in SEEDS:
        found = simulate(-2, spread, seeds, repetitions, rng)
        assert found["REPRODUCED"] < LEVEL
        assert found["ABOVE"] == 0


@pytest.mark.parametrize(("spread", "ratio"), [(0.2, 3.0), (0.2, 10.0), (0.6, 0.3), (1.4, 0.15)])
def test_both_hold_where_the_spreads_differ(repetitions, spread, ratio):
    rng = np.random.default_rng(4)
    for seeds in (3, 10):
        same = simulate(0, spread, seeds, repetitions, rng, ratio)
        assert same["BELOW"] + same["ABOVE"] < 0.06
        assert simulate(-2, spread, seeds, repetitions, rng, ratio)["REPRODUCED"] < LEVEL


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_at_the_margin_each_word_errs_at_most_at_its_level(repetitions, seeds):
    # The words speak of the number as printed, so it stays fixed here.
    rng = np.random.default_rng(5)
    noise = 4 * math.sqrt(LEVEL / repetitions)
    for spread in (0.1, 0.5, 1.4):
        ours = rng.normal(60.0 - 0.5, spread, (repetitions, seeds))
        name = f"0.5 below a fixed number, spread {spread:g}, {seeds} seeds"
        found = shares(name, judge_all(ours, Reference(60.0), 0.5))
        assert found["REPRODUCED"] < LEVEL + noise
        assert found["BELOW"] < LEVEL / 2 + noise
        assert found["ABOVE"] < LEVEL / 2


@pytest.mark.parametrize("spread", [0.2, 0.5, 1.4])
def test_adding_seeds_until_a_word_falls_errs_somewhat_more(repetitions, spread):
    rng = np.random.default_rng(6)
    repetitions //= 10  # each is judged 28 times
    for shift in (0, -2):
        reference, margin = print_published(spread, repetitions, rng)
        ours = rng.normal(60.0 + shift * true_margin(spread), spread, (repetitions, 30))
        name = f"{shift:+d} margins, spread {spread:g}, 3 to 30 seeds"
        found = shares(name, add_until_decided(ours, reference, margin))
        wrong = found["BELOW"] + found["ABOVE"] if shift == 0 else found["REPRODUCED"]
        assert wrong < 2 * LEVEL
    ours = rng.normal(60.0 - 0.5, spread, (repetitions, 30))
    words = add_until_decided(ours, Reference(60.0), 0.5)
    found = shares(f"0.5 below a fixed number, spread {spread:g}, 3 to 30 seeds", words)
    assert found["REPRODUCED"] < 6 * LEVEL


@pytest.mark.parametrize("spread", [0.2, 0.5, 1.4])
def test_counting_the_published_error_twice_would_leave_most_cells_open(repetitions, spread):
    # The other way to test: Welch's interval instead of ours alone, against the same margin.
    rng = np.random.default_rng(7)
    for seeds in (3, 30, 300):
        reference, margin = print_published(spread, repetitions // 10, rng)
        ours = rng.normal(60.0, spread, (repetitions // 10, seeds))
        low, high = welch(ours.mean(1), ours.std(1, ddof=1), seeds, reference, 1 - 2 * LEVEL)
        other = np.mean((low > -margin) & (high < margin))
        chosen = np.mean(judge_all(ours, reference, margin) == "REPRODUCED")
        print(
            f"spread {spread:g}, {seeds} seeds: reproduced {chosen:.1%}, with both errors {other:.1%}"
        )
        assert other < chosen
        assert seeds < 30 or spread < 0.5 or other < 0.4 < 0.7 < chosen


@pytest.mark.parametrize("spread", [0.35, 0.5, 1.0])
def test_the_seeds_asked_for_suffice_more_often_than_not(repetitions, spread):
    rng = np.random.default_rng(8)
    asked, decided = [], 0
    for _ in range(repetitions // 20):
        references, margins = print_published(spread, 1, rng)
        reference = references._replace(mean=references.mean[0], error=references.error[0])
        rule = (reference, margins[0], CONFIDENCE)
        first = rng.normal(60.0, spread, 3)
        if classify(first.mean(), first.std(ddof=1), 3, *rule) != "INCONCLUSIVE":
            continue
        needs = seeds_needed(first.mean(), first.std(ddof=1), 3, *rule)
        if needs is not None:
            asked.append(needs)
            every = np.concatenate([first, rng.normal(60.0, spread, needs)])
            word = classify(every.mean(), every.std(ddof=1), len(every), *rule)
            decided += word != "INCONCLUSIVE"
    share = decided / len(asked)
    print(f"spread {spread:g}: {np.median(asked):g} more seeds asked for, decided then {share:.0%}")
    assert share > 0.5


@pytest.mark.parametrize("share", [0.0, 1 / 3, 2 / 3, 1.0])
def test_a_cell_at_chance_is_not_called_above_unless_most_seeds_learn(repetitions, share):
    rng = np.random.default_rng(9)
    for seeds in (3, 10):
        learns = rng.random((repetitions, seeds)) < share
        guess = rng.normal(50.0, 0.35, learns.shape)  # 20,000 test images
        ours = np.where(learns, rng.normal(90.0, 1.0, learns.shape), guess)
        name = f"x, {share:.0%} of seeds learn, {seeds} seeds"
        found = shares(name, judge_all(ours, Reference(50.0, one_sided=True), 5.0))
        assert found["BELOW"] == 0
        assert share > 0 or found["REPRODUCED"] > 0.99
        assert share < 1 or found["ABOVE"] > 0.99
        assert share > 0.5 or found["ABOVE"] < 0.15
