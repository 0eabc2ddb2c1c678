import numpy as np
import pandas as pd
import pytest

from lru_tune.plots.fields.dimensions import dimensions


def one(column, domain):
    (dimension,) = dimensions(pd.DataFrame({"config/x": column}), {"x": domain})
    return dimension


def test_places_are_on_the_scale_of_the_search():
    found = one([1e-4, 1e-3, 1e-2], {"loguniform": [1e-4, 1e-2]})
    assert found.places == pytest.approx([0.0, 0.5, 1.0])
    assert found.ticks == pytest.approx({"0.0001": 0.0, "0.001": 0.5, "0.01": 1.0})
    assert found.ordered


def test_values_near_one_lie_to_the_right():
    found = one([0.9, 0.99, 0.999], {"one_minus_loguniform": [1e-3, 1e-1]})
    assert found.places == pytest.approx([0.0, 0.5, 1.0])
    assert found.ticks["0.99"] == pytest.approx(0.5)


def test_a_uniform_interval_may_hold_zero_and_negative_values():
    found = one([-1.0, 0.0, 3.0], {"uniform": [-1.0, 3.0]})
    assert found.places == pytest.approx([0.0, 0.25, 1.0])


def test_choices_lie_side_by_side_and_a_missing_value_nowhere():
    found = one(["pre", None, "post"], {"choice": ["pre", "post"]})
    assert found.places == pytest.approx([0.0, np.nan, 1.0], nan_ok=True)
    assert not found.ordered
    depths = one(pd.array([2, 6, None], dtype="Int64"), {"choice": [2, 4, 6]})
    assert depths.places == pytest.approx([0.0, 1.0, np.nan], nan_ok=True)


def test_trials_of_one_choice_are_spread_around_it_and_others_stay():
    found = one(["pre", "post", "pre", None, "pre"], {"choice": ["pre", "post"]})
    assert found.spread_places == pytest.approx([-0.04, 1.0, 0.0, np.nan, 0.04], nan_ok=True)
    interval = one([1.0, 1.0, 2.0], {"uniform": [1.0, 3.0]})
    assert interval.spread_places.tolist() == [0.0, 0.0, 0.5]


def test_ends_are_those_of_the_interval_where_ticks_are_powers_of_ten_inside_it():
    found = one([0.01, 0.1], {"loguniform": [0.005, 0.5]})
    assert list(found.ticks) == ["0.01", "0.1"]
    assert found.ends == ("0.005", "0.5")
    assert one([0.9, 0.99], {"one_minus_loguniform": [5e-5, 0.2]}).ends == ("0.8", "0.99995")
    assert one([2, 4], {"choice": [2, 3, 4]}).ends == ("2", "4")


def test_a_field_that_does_not_vary_is_no_dimension():
    assert dimensions(pd.DataFrame({"config/x": [1.0, 1.0]}), {"x": {"uniform": [0, 2]}}) == []
