"""Examples are taken from the front and cut in time, whatever their axes; epochs are permutations."""

import numpy as np
import pytest

from lru_tune.data.batches import epoch_order, take_examples
from lru_tune.data.store import Split

TOKENS = np.arange(5 * 2 * 7, dtype=np.uint8).reshape(5, 2, 7)
TARGETS = np.arange(5, dtype=np.uint8)


def test_a_maximal_length_cuts_both_documents():
    lengths = np.array([[7, 2], [3, 4], [1, 7], [5, 5], [6, 1]], np.uint16)
    examples = take_examples(Split(TOKENS, TARGETS, lengths), limit=4, max_length=4)
    np.testing.assert_array_equal(examples.inputs, TOKENS[:4, :, :4])
    assert examples.lengths.tolist() == [[4, 2], [3, 4], [1, 4], [4, 4]]
    assert examples.lengths.dtype == np.int32
    assert examples.targets.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("max_length", [None, 3, 100])
def test_without_lengths_all_steps_are_valid(max_length):
    channels = TOKENS.swapaxes(1, 2)  # (n, T, F)
    examples = take_examples(Split(channels, TARGETS, None), None, max_length)
    steps = min(max_length or 7, 7)
    np.testing.assert_array_equal(examples.inputs, channels[:, :steps])
    assert examples.lengths.tolist() == [steps] * 5


def test_texts_are_cut_with_their_lengths():
    split = Split(TOKENS[:, 0], TARGETS, np.array([7, 1, 3, 4, 2], np.uint16))
    examples = take_examples(split, None, 3)
    np.testing.assert_array_equal(examples.inputs, TOKENS[:, 0, :3])
    assert examples.lengths.tolist() == [3, 1, 3, 3, 2]


def test_an_epoch_is_a_permutation_that_drops_the_rest():
    order = epoch_order(seed=3, epoch=1, examples=50, batch_size=8)
    assert order.shape == (6, 8)
    assert len(set(order.ravel().tolist())) == 48
    np.testing.assert_array_equal(order, epoch_order(3, 1, 50, 8))
    assert not np.array_equal(order, epoch_order(3, 2, 50, 8))


def test_another_seed_is_another_order():
    assert not np.array_equal(epoch_order(0, 1, 64, 8), epoch_order(1, 1, 64, 8))
    assert not np.array_equal(epoch_order(0, 1, 64, 8), epoch_order(1, 0, 64, 8))
