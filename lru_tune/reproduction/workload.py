"""The work of the command that runs in a store, for `lru-tune status` to tell how much is left."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from lru_tune.files import run_directory as runs
from lru_tune.files.atomic import write_atomically
from lru_tune.files.experiment_folder import RUNS_FOLDER
from lru_tune.reproduction.cells import CellPlan
from lru_tune.reproduction.outcome import cell_runs
from lru_tune.reproduction.rates import known_rate, rate_search_runs
from lru_tune.reproduction.store import Store
from lru_tune.search.ray.run_list import is_done

FILE = "agenda.json"
FORMAT_VERSION = 1


class Workload(NamedTuple):
    """The work of one command.

    Attributes:
      started: seconds since 1970.
      ended: number of runs in the store that had ended by then, over all tables.
      runs: number of runs to make. Cells whose learning rate is not known yet may share some of them.
    """

    started: float
    ended: int
    runs: int

    def seconds_left(self, ended: int, now: float) -> float | None:
        """Return the seconds left at the pace so far; None before the first run has ended.

        Args:
          ended: number of runs in the store that have ended.
          now: seconds since 1970.
        """
        done = ended - self.ended
        if done <= 0:
            return None
        return max(0, self.runs - done) * (now - self.started) / done


def write_workload(cells: Sequence[CellPlan], seeds: int, store: Store) -> None:
    """Record how many runs of the cells' learning-rate searches and seeds are left."""
    content = {
        "format_version": FORMAT_VERSION,
        "started": datetime.now().timestamp(),
        "ended": count_ended(store.root),
        "runs": _runs_left(cells, seeds, store),
    }
    write_atomically(store.root / FILE, json.dumps(content) + "\n")


def read_workload(root: Path) -> Workload | None:
    """Return the work of the last command in a store; None if it recorded none."""
    try:
        content = json.loads((root / FILE).read_text())
    except FileNotFoundError:
        return None
    return Workload(**{name: content[name] for name in Workload._fields})


def count_ended(root: Path) -> int:
    """Return how many runs of a store have completed, stopped or diverged; failed runs are tried again."""
    results = (runs.read_result(run) or {} for run in (root / RUNS_FOLDER).glob("[!.]*"))
    return sum(result.get("status") in runs.FINISHED for result in results)


def _runs_left(cells: Sequence[CellPlan], seeds: int, store: Store) -> int:
    waiting, later = set(), 0
    for cell in cells:
        if known_rate(cell, store) is None:
            planned, later = rate_search_runs(cell, store), later + seeds
        else:
            planned = cell_runs(cell, seeds, store).planned
        waiting |= {run.run_dir for run in planned if not is_done(run)}
    return len(waiting) + later
