"""Typed configuration of one run and its YAML form."""
