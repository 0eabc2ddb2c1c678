"""The order of examples: a function of seed and epoch alone, so that a checkpoint need not hold it."""

from typing import NamedTuple

import numpy as np

from lru_tune.data.store import Split


class Examples(NamedTuple):
    """One split, ready for the device.

    Attributes:
      inputs: (n, T) tokens, (n, 2, T) of two documents, or (n, T, F) channels, unsigned integers.
      targets: (n,) classes, or (n, S, O) for tasks that predict at the last S steps.
      lengths: (n,) int32, valid steps of each sequence; (n, 2) of two documents.
    """

    inputs: np.ndarray
    targets: np.ndarray
    lengths: np.ndarray


def take_examples(split: Split, limit: int | None, max_length: int | None = None) -> Examples:
    """Return the first `limit` examples of a split, each cut to its first `max_length` steps.

    None means no limit. If the task stores no lengths, every sequence has its full length.
    """
    count = len(split.targets) if limit is None else min(limit, len(split.targets))
    if split.lengths is None:
        inputs = split.inputs[:count, :max_length]
        lengths = np.full(count, inputs.shape[1], np.int32)
    else:
        lengths = split.lengths[:count].astype(np.int32)
        # Time is the first axis that `lengths` does not have: axis 2 for two documents, else axis 1.
        inputs = split.inputs[
            (slice(count), *[slice(None)] * (lengths.ndim - 1), slice(max_length))
        ]
        lengths = np.minimum(lengths, inputs.shape[lengths.ndim])
    return Examples(inputs, split.targets[:count], lengths)


def epoch_order(seed: int, epoch: int, examples: int, batch_size: int) -> np.ndarray:
    """Return the batches of an epoch, (n_batches, batch_size) int32 indices."""
    n_batches = examples // batch_size
    order = np.random.default_rng([seed, epoch]).permutation(examples)
    return order[: n_batches * batch_size].reshape(n_batches, batch_size).astype(np.int32)
