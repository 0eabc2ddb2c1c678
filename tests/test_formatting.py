import pytest

from lru_tune.formatting import duration


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
