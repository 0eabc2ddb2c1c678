"""Verdicts, checked against textbook tests; how often they err is simulated in test_verdict_rates.py."""

import math

import numpy as np
import pytest
from scipy import stats

from lru_tune.paper.published import Published
from lru_tune.results.judging.equivalence import MOST_SEEDS
from lru_tune.results.judging.verdict import default_margin, judge

LEVEL = 0.05
# Two samples of unequal size and spread.
OURS = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4]
THEIRS = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5]


def published(mean=60.2, error=0.8, n=3, at_chance=False):
    return Published(mean=mean, standard_error=error, n=n, at_chance=at_chance, source="a test")


CHANCE = published(mean=None, error=None, at_chance=True)


def around(mean, std, n):
    """A sample with exactly this mean and standard deviation."""
    shape = np.linspace(-1, 1, n)
    return (mean + std * shape / shape.std(ddof=1)).tolist()


class TestTextbook:
    def test_the_interval_is_welch_s(self):
        theirs = published(np.mean(THEIRS), stats.sem(THEIRS), len(THEIRS))
        verdict = judge(OURS, theirs, chance=0.0, confidence=0.9)
        expected = stats.ttest_ind(OURS, THEIRS, equal_var=False).confidence_interval(0.9)
        assert (verdict.low, verdict.high) == pytest.approx(expected)
        assert verdict.difference == pytest.approx(np.mean(OURS) - np.mean(THEIRS))

    def test_without_a_published_error_it_is_student_s(self):
        verdict = judge(OURS, published(20.0, None, None), chance=0.0)
        low, high = stats.ttest_1samp(OURS, 20.0).confidence_interval(0.95)
        assert (verdict.low, verdict.high) == pytest.approx((low - 20.0, high - 20.0))
        assert verdict.notes == ("published without a standard error; taken as exact",)

    def test_equivalence_is_two_one_sided_t_tests(self):
        verdict = judge(OURS, published(20.0, 0.3), chance=0.0, margin=2.0)
        low = stats.ttest_1samp(OURS, 18.0, alternative="greater").pvalue
        high = stats.ttest_1samp(OURS, 22.0, alternative="less").pvalue
        assert verdict.p_equivalence == pytest.approx(max(low, high))

    @pytest.mark.parametrize("margin", [0.5, 1.0, 1.5, 1.8, 2.0, 3.0])
    def test_reproduced_is_p_below_the_level(self, margin):
        verdict = judge(OURS, published(20.0, 0.3), chance=0.0, margin=margin)
        assert (verdict.outcome == "REPRODUCED") == (verdict.p_equivalence < LEVEL)


class TestWords:
    def test_near_is_reproduced_and_far_is_not(self):
        words = [
            judge(around(mean, 0.3, 5), published(error=0.2), chance=17.0).outcome
            for mean in (56.0, 59.6, 60.2, 60.8, 64.0)
        ]
        assert words == ["BELOW", "INCONCLUSIVE", "REPRODUCED", "INCONCLUSIVE", "ABOVE"]

    def test_a_small_real_difference_is_still_reproduced(self):
        verdict = judge(around(87.8, 0.2, 30), published(88.1, 0.0), chance=10.0)
        assert verdict.high < 0
        assert verdict.outcome == "REPRODUCED"

    def test_an_uncertain_published_number_cannot_be_fallen_short_of_by_little(self):
        # More than the margin below, but three published runs do not tell that from no difference.
        verdict = judge(around(57.0, 0.05, 30), published(60.2, 0.8), chance=17.0)
        assert verdict.outcome == "INCONCLUSIVE"
        assert verdict.needs is None
        assert str(verdict) == f"INCONCLUSIVE (needs more than {MOST_SEEDS} more seeds)"

    def test_the_margin_is_three_errors_or_half_a_point(self):
        assert default_margin(published(error=0.8), 17.0) == pytest.approx(2.4)
        assert default_margin(published(error=0.0), 17.0) == 0.5
        assert default_margin(published(error=None), 17.0) == 0.5
        assert default_margin(CHANCE, 50.0) == pytest.approx(5.0)

    def test_an_error_printed_as_zero_is_not_believed(self):
        verdict = judge(around(87.0, 0.1, 4), published(87.0, 0.0), chance=10.0)
        assert verdict.notes == ("standard error printed as 0.0; taken as 0.05",)
        assert verdict.high > stats.t.ppf(0.975, 3) * 0.1 / 2


class TestChance:
    @pytest.mark.parametrize(
        ("ours", "outcome"),
        [
            ([50.1, 49.7, 50.4], "REPRODUCED"),
            ([50.0, 50.0, 50.0], "REPRODUCED"),
            ([44.0, 44.1, 43.9], "REPRODUCED"),
            ([89.0, 90.0, 91.0], "ABOVE"),
            ([50.0, 50.1, 91.0], "INCONCLUSIVE"),
        ],
    )
    def test_only_rising_above_it_is_a_difference(self, ours, outcome):
        assert judge(ours, CHANCE, chance=50.0).outcome == outcome

    def test_seeds_that_did_not_learn_are_counted(self):
        verdict = judge([50.0, 50.1, 91.0], CHANCE, chance=50.0)
        assert verdict.learned == pytest.approx(1 / 3)
        assert "1 of 3 seeds learned; the mean mixes two kinds of runs" in verdict.notes

    def test_a_run_that_diverged_counts_as_chance(self):
        verdict = judge([60.0, math.nan, 60.4], published(), chance=17.0)
        assert verdict.ours == judge([60.0, 17.0, 60.4], published(), chance=17.0).ours
        assert "1 of 3 seeds diverged and count as chance" in verdict.notes


class TestSeedsNeeded:
    @pytest.mark.parametrize("number", [published(), published(error=None), CHANCE])
    @pytest.mark.parametrize("seeds", [0, 1])
    def test_too_few_seeds_are_never_judged(self, number, seeds):
        verdict = judge([50.0] * seeds, number, chance=17.0)
        assert verdict.outcome == "INCONCLUSIVE"
        assert verdict.needs is None or verdict.needs >= 1
        assert math.isnan(verdict.low)
        assert math.isnan(verdict.p_equivalence)

    def test_no_seeds_need_as_many_as_the_paper_had(self):
        assert str(judge([], published(), chance=17.0)) == "INCONCLUSIVE (needs 3 more seeds)"

    @pytest.mark.parametrize("mean", [60.0, 59.9, 58.2, 57.0])
    def test_that_many_seeds_decide_and_one_fewer_do_not(self, mean):
        verdict = judge(around(mean, 1.1, 3), published(60.2, 0.2), chance=17.0)
        assert verdict.outcome == "INCONCLUSIVE"
        enough, short = (
            judge(around(mean, 1.1, 3 + verdict.needs - less), published(60.2, 0.2), chance=17.0)
            for less in (0, 1)
        )
        assert enough.outcome != "INCONCLUSIVE"
        assert short.outcome == "INCONCLUSIVE"

    def test_more_scatter_needs_more_seeds_and_a_wider_margin_fewer(self):
        def needs(std, margin):
            found = judge(around(60.1, std, 3), published(60.2, 0.2), chance=17.0, margin=margin)
            return math.inf if found.needs is None else found.needs

        table = [
            [needs(std, margin) for margin in (0.4, 0.6, 1.0, 2.0)] for std in (0.1, 0.5, 1, 3)
        ]
        assert (np.diff(table, axis=0) >= 0).all()
        assert (np.diff(table, axis=1) <= 0).all()
        assert len(set(np.ravel(table))) > 5


class TestInput:
    @pytest.mark.parametrize(
        ("ours", "settings", "text"),
        [
            ([60.0, 160.0], {}, "in percent, 0 to 100"),
            ([60.0], {"chance": 100.0}, "in percent, 0 to 100"),
            ([60.0], {"margin": 0.0}, "margin must be above 0"),
            ([60.0], {"confidence": 95.0}, "confidence must be between"),
        ],
    )
    def test_wrong_units_are_refused(self, ours, settings, text):
        with pytest.raises(ValueError, match=text):
            judge(ours, published(), **({"chance": 17.0} | settings))

    def test_nothing_to_compare_with_is_refused(self):
        with pytest.raises(ValueError, match="no published mean"):
            judge([60.0], published(mean=None), chance=17.0)
