import math

import pytest
from scipy import stats

from lru_tune.results import share_learned, summarise, winners_curse

NAN = math.nan


def test_the_interval_is_scipys_t_interval():
    values = [0.81, 0.84, 0.79, 0.86]
    got = summarise(values)
    low, high = stats.t.interval(
        0.95, len(values) - 1, loc=got.mean, scale=stats.sem(values, ddof=1)
    )
    assert got.mean == pytest.approx(0.825)
    assert got.std == pytest.approx(stats.tstd(values))
    assert (got.low, got.high) == pytest.approx((low, high))


def test_two_seeds_make_a_very_wide_interval():
    got = summarise([0.4, 0.6])
    assert got.high - got.low == pytest.approx(2 * 12.7062 * 0.1, rel=1e-4)


def test_missing_values_are_not_part_of_the_mean():
    assert summarise([0.5, NAN])[:1] == (0.5,)
    assert summarise([0.5, NAN]).n == 1
    assert math.isnan(summarise([0.5, NAN]).std)
    assert math.isnan(summarise([]).mean)


@pytest.mark.parametrize(
    ("accuracies", "share"), [([0.5, 0.9], 0.5), ([0.5, NAN, 0.51, 0.6], 0.25), ([0.55], 1.0)]
)
def test_a_seed_at_chance_or_without_a_value_has_not_learned(accuracies, share):
    assert share_learned(accuracies, chance=0.5) == share


def test_the_gap_is_search_minus_confirmed_mean():
    assert winners_curse(0.9, [0.7, 0.8]) == pytest.approx(0.15)
    assert math.isnan(winners_curse(0.9, []))
