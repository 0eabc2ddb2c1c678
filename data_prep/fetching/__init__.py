"""Downloading and unpacking published files."""
