"""Flax modules: the recurrence, the block and the network."""

from lru_tune.models.recurrence import LRU, DenseRNN

__all__ = ["LRU", "DenseRNN"]
