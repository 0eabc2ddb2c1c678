"""`python -m lru_tune`, the same as `lru-tune`."""

import sys

from lru_tune.cli import main

if __name__ == "__main__":
    sys.exit(main())
