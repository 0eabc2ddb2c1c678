"""Notebooks on an experiment's results, and the two commands that make what they show."""
