"""Search hyperparameters: `python tune.py --task listops`."""

import sys

from lru_tune.cli import guard
from lru_tune.cli.tune import main

if __name__ == "__main__":
    sys.exit(guard(lambda argv: main(argv, prog="tune.py")))
