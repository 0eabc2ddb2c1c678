"""Compiled programs of a run: what they are, how they are chosen and cached."""
