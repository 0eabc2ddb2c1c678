"""The JAX loop: steps, schedule, checkpoints, trackers."""
