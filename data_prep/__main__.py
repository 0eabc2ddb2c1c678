"""`python -m data_prep`."""

import sys

from data_prep.cli import main
from lru_tune.system.signals import ended_by_reader

if __name__ == "__main__":
    sys.exit(ended_by_reader(main))
