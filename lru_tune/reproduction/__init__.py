"""Reproduces the tables of a paper and compares the results with the published numbers."""
