"""Optional mirrors of a run's reports: TensorBoard and Weights & Biases."""
