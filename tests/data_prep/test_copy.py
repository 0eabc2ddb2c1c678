"""The copy task as minimal-LRU defines it."""

import numpy as np

from data_prep import Request, prepare
from data_prep.copy import copy_examples
from lru_tune.data.verify import verify


def test_a_sequence_shows_the_pattern_and_asks_for_it():
    rng = np.random.default_rng(0)
    inputs, targets = copy_examples(rng, 3, pattern_length=4, pad_length=2, bits=5)
    assert inputs.shape == (3, 11, 6)
    assert targets.shape == (3, 4, 5)
    np.testing.assert_array_equal(inputs[:, :4, :5], targets)
    go = inputs[:, :, 5]
    assert (np.flatnonzero(go[0]) == [6]).all()
    assert go.sum() == 3
    assert inputs[:, 4:, :5].sum() == 0


def test_the_prepared_task(tmp_path):
    prepared = prepare(Request("copy-classification", tmp_path))
    manifest = prepared.manifest
    assert manifest.counts == {"train": 20_000, "val": 1_000, "test": 1_000}
    assert manifest.parameters["pattern_length"] == 20
    assert manifest.parameters["pad_length"] == 7
    assert manifest.chance == 0.5
    split = prepared.split("train")
    assert split.inputs.shape == (20_000, 48, 8)
    assert split.targets.shape == (20_000, 20, 7)
    assert split.lengths is None
    bits = split.targets.size
    assert abs(split.targets.mean() - 0.5) < 5 * 0.5 / np.sqrt(bits)
    assert verify(tmp_path, "copy").problems == []


def test_splits_and_seeds_differ_and_repeat(tmp_path):
    first = prepare(Request("copy", tmp_path / "a", limit=200))
    again = prepare(Request("copy", tmp_path / "b", limit=200))
    other = prepare(Request("copy", tmp_path / "c", limit=200, seed=1))
    assert first.manifest.counts == {"train": 200, "val": 10, "test": 10}
    assert first.manifest.fingerprint == again.manifest.fingerprint
    assert first.manifest.fingerprint != other.manifest.fingerprint
    val, test = first.split("val").targets, first.split("test").targets
    assert not np.array_equal(val, test)
