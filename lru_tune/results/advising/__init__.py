"""Suggestions for the next search."""
