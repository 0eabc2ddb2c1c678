"""What the command that works in a store set out to do, so that others can say how far it is."""

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
from lru_tune.reproduction.rates import known_rate, race_jobs
from lru_tune.reproduction.store import Store
from lru_tune.search.ray.run_list import is_done

FILE = "agenda.json"
FORMAT_VERSION = 1


class Agenda(NamedTuple):
    """The work of one command.

    Attributes:
      started: when, in seconds since 1970.
      ended: runs of the store that had ended by then, of whatever table.
      runs: to be made. Cells whose learning rate is not known yet may turn out to share some.
    """

    started: float
    ended: int
    runs: int

    def seconds_left(self, ended: int, now: float) -> float | None:
        """Return how long the rest takes at the pace so far; None before the first run has ended.

        Args:
          ended: runs of the store that have ended.
          now: in seconds since 1970.
        """
        done = ended - self.ended
        if done <= 0:
            return None
        return max(0, self.runs - done) * (now - self.started) / done


def write_agenda(cells: Sequence[CellPlan], seeds: int, store: Store) -> None:
    """Write down what is not done yet of the cells' races and seeds."""
    content = {
        "format_version": FORMAT_VERSION,
        "started": datetime.now().timestamp(),
        "ended": count_ended(store.root),
        "runs": _runs_left(cells, seeds, store),
    }
    write_atomically(store.root / FILE, json.dumps(content) + "\n")


def read_agenda(root: Path) -> Agenda | None:
    """Return the agenda of the last command in a store, None where none was written."""
    try:
        content = json.loads((root / FILE).read_text())
    except FileNotFoundError:
        return None
    return Agenda(**{name: content[name] for name in Agenda._fields})


def count_ended(root: Path) -> int:
    """Return how many runs of a store have ended in good order; a failed one is tried again."""
    results = (runs.read_result(run) or {} for run in (root / RUNS_FOLDER).glob("[!.]*"))
    return sum(result.get("status") in runs.FINISHED for result in results)


def _runs_left(cells: Sequence[CellPlan], seeds: int, store: Store) -> int:
    waiting, later = set(), 0
    for cell in cells:
        if known_rate(cell, store) is None:
            jobs, later = race_jobs(cell, store), later + seeds
        else:
            jobs = cell_runs(cell, seeds, store).jobs
        waiting |= {job.run_dir for job in jobs if not is_done(job)}
    return len(waiting) + later
