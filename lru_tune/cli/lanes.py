"""The flag --lanes, which searches and reproductions share."""

import argparse
from typing import Literal


def lanes(text: str) -> int | Literal["auto"]:
    """Return the flag's value.

    Raises:
      ArgumentTypeError: it is no number and not auto.
    """
    if text == "auto":
        return "auto"
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"needs a whole number or auto, got {text!r}")
    return int(text)
