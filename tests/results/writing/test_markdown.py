import math

import numpy as np
import pytest

from lru_tune.results.writing.markdown import number, significant


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.99996, "0.99996"),
        (0.9999634, "0.999963"),
        (0.9975, "0.9975"),
        (0.999, "0.999"),
        (1.0, "1"),
        (1.0000001, "1"),
        (0.01261877, "0.01262"),
        (12345.6, "1.235e+04"),
        (3, "3"),
        (math.nan, "-"),
        (None, "-"),
        (True, "True"),
        ("gamma", "gamma"),
    ],
)
def test_a_number_is_short_and_never_one_where_it_is_less(value, text):
    assert number(value) == text


@pytest.mark.parametrize("digits", [3, 4])
def test_what_is_shown_of_a_modulus_keeps_its_distance_to_one(digits):
    for distance in np.geomspace(1e-9, 0.5, 200):
        shown = float(significant(1.0 - distance, digits))
        assert 1.0 - shown == pytest.approx(distance, rel=0.1)
