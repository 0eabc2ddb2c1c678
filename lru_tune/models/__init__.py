"""Flax modules: the recurrence, the block, the network."""
