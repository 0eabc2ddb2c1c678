"""Messages for people, on stderr: stdout is for results."""

import sys


def print_message(text: str) -> None:
    """Print lines on stderr at once."""
    print(text, file=sys.stderr, flush=True)
