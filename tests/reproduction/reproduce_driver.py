"""`reproduce.py` over the scripted training, in a process of its own, to be killed."""

import functools
import sys

from lru_tune.cli import guard
from lru_tune.cli.reproduce.command import main
from lru_tune.reproduction import engine

if __name__ == "__main__":
    engine.Options = functools.partial(engine.Options, training="scripted_training")
    sys.exit(guard(main))
