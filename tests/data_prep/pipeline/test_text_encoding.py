"""Characters to ids: the fast encoder against a slow one."""

from collections import Counter

import numpy as np
import pytest

from data_prep.pipeline import text_encoding as characters
from data_prep.pipeline.text_encoding import build_vocabulary, count_characters, encode_characters

TEXTS = ["baa, é\n", "", "abc" * 50, "日本 aaa 🎬", "é\r\n<br />"]


def slow_encode(texts: list[str], vocabulary: list[str], width: int) -> tuple[list, list]:
    ids = {character: token for token, character in enumerate(vocabulary)}
    rows, lengths = [], []
    for text in texts:
        row = [ids.get(character, 1) for character in text[: width - 1]] + [2]
        lengths.append(len(row))
        rows.append(row + [0] * (width - len(row)))
    return rows, lengths


@pytest.fixture(autouse=True)
def _parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(characters, "TEXTS_AT_ONCE", 2)


def test_the_vocabulary_falls_in_frequency_with_ties_alphabetical():
    counts = count_characters(["ccc", "bb", "aa", "d"])
    assert build_vocabulary(counts) == ["<pad>", "<unk>", "<eos>", "c", "a", "b", "d"]
    assert build_vocabulary(counts, 2) == ["<pad>", "<unk>", "<eos>", "c", "a", "b"]
    assert build_vocabulary(count_characters([])) == ["<pad>", "<unk>", "<eos>"]


def test_characters_are_counted_like_a_dictionary_counts_them():
    counts = count_characters(TEXTS)
    expected = Counter("".join(TEXTS))
    assert {chr(point): counts[point] for point in np.flatnonzero(counts)} == expected


@pytest.mark.parametrize("width", [8, 40, 200])
@pytest.mark.parametrize("min_frequency", [1, 3])
def test_encoding_equals_the_slow_twin(width, min_frequency):
    vocabulary = build_vocabulary(count_characters(TEXTS), min_frequency)
    inputs, lengths = encode_characters(TEXTS, vocabulary, width)
    rows, slow_lengths = slow_encode(TEXTS, vocabulary, width)
    np.testing.assert_array_equal(inputs, rows)
    np.testing.assert_array_equal(lengths, slow_lengths)
    assert inputs.dtype == lengths.dtype == np.uint8


def test_types_grow_with_what_they_hold():
    inputs, lengths = encode_characters(
        ["a" * 5000], build_vocabulary(count_characters(["a"])), 4096
    )
    assert (inputs.dtype, lengths.dtype) == (np.uint8, np.uint16)
    assert lengths.tolist() == [4096]
    many = [chr(300 + number) for number in range(300)]
    vocabulary = build_vocabulary(count_characters(many))
    inputs, _ = encode_characters(many, vocabulary, 4)
    assert inputs.dtype == np.uint16
    assert inputs[-1].tolist() == [302, 2, 0, 0]
