"""What a command says while it works: on stderr, since stdout is for what it leaves behind."""

import sys


def say(text: str) -> None:
    """Print lines on stderr at once."""
    print(text, file=sys.stderr, flush=True)
