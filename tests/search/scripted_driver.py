"""An experiment in a process of its own, to be killed: FOLDER SPACE DATA_ROOT AT_ONCE."""

import sys
from pathlib import Path

from scripted_task import options, scripted_task

from lru_tune.cli import guard
from lru_tune.files.experiment_folder import EXPERIMENT_FILE
from lru_tune.search.experiment import create_experiment, run_experiment
from lru_tune.space.space import SearchSpace


def main(argv: list[str]) -> int:
    folder, space_file, data_root, at_once = argv
    space, task = SearchSpace.load(Path(space_file)), scripted_task(Path(data_root))
    if not Path(folder, EXPERIMENT_FILE).is_file():
        create_experiment(space, Path(folder), task)
    run_experiment(space, Path(folder), task, options(int(at_once)))
    return 0


if __name__ == "__main__":
    sys.exit(guard(main, sys.argv[1:]))
