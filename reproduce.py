"""Run a paper's table again and judge it: `python reproduce.py --table 1`."""

import sys

from lru_tune.cli import guard
from lru_tune.cli.reproduce.command import main

if __name__ == "__main__":
    sys.exit(guard(lambda argv: main(argv, prog="reproduce.py")))
