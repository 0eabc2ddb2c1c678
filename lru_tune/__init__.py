"""Tune and reproduce linear recurrent networks."""

__version__ = "0.1.0"
