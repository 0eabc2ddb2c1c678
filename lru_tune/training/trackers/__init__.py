"""Copies of a run's reports: TensorBoard and Weights & Biases."""
