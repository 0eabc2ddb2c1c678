"""Searches as Optuna studies, and W&B sweeps as search spaces."""
