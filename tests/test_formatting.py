import math

import numpy as np
import pandas as pd
import pytest

from lru_tune.formatting import duration, markdown_table, number, significant


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (42.0, "42 s"),
        (59.6, "1 min 00 s"),
        (185.0, "3 min 05 s"),
        (3599.6, "1 h 00 min"),
        (7859.0, "2 h 10 min"),
    ],
)
def test_a_length_of_time_is_said_in_its_two_largest_units(seconds, words):
    assert duration(seconds) == words


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
        (pd.NA, "-"),
        (np.float64(0.25), "0.25"),
        (np.True_, "True"),
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


def test_a_bar_does_not_break_a_markdown_table():
    assert markdown_table(["row", "n"], [("a|b", 2)]) == [
        "| row | n |",
        "| --- | --- |",
        r"| a\|b | 2 |",
    ]
