import numpy as np
import pytest

from lru_tune.figures.figure_result import long_table, to_csv


def test_blocks_are_stacked_and_their_single_values_repeated():
    blocks = [
        {"name": "a", "x": np.array([1.0, 2.0])},
        {"name": "bc", "x": np.array([3.0])},
    ]
    columns = long_table(blocks)
    assert columns["name"].tolist() == ["a", "a", "bc"]
    assert columns["x"].tolist() == [1.0, 2.0, 3.0]


def test_numbers_keep_nine_digits_and_other_values_are_written_as_they_are():
    columns = {"n": np.array([3]), "x": np.array([1 / 3]), "ok": np.array([True])}
    assert to_csv(columns) == "n,x,ok\n3,0.333333333,True\n"


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        to_csv({"a": np.arange(3), "b": np.arange(2)})
