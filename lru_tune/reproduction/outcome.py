"""What came out of a cell, as far as its runs have ended. Reads run directories only."""

import math
from typing import NamedTuple

from lru_tune.files import run_directory as runs
from lru_tune.reproduction.cells import CellPlan
from lru_tune.reproduction.rates import Chosen, known_rate, race_jobs
from lru_tune.reproduction.store import Store
from lru_tune.search.ray.run_list import PlannedRun

FIRST_SEED = 1  # 0 chose the learning rates
MOST_SEEDS = 1000


class CellRuns(NamedTuple):
    """A cell, its learning rate and the runs that count; without a rate there are none."""

    cell: CellPlan
    chosen: Chosen | None
    jobs: list[PlannedRun]


class CellResult(NamedTuple):
    """The runs of a cell.

    Attributes:
      chosen: the learning rate they ran with; None where it is not known.
      seeds: those that have ended with a number, in order.
      accuracies: test accuracy of each in percent; NaN of a run that diverged.
      failed: how many could not be brought to an end, those for the learning rate included while it is not
        known; they count nowhere.
      waiting: how many of those asked for have not ended.
      devices: on which they ran.
      run_names: of their run directories, as `seeds`.
    """

    cell: CellPlan
    chosen: Chosen | None
    seeds: list[int]
    accuracies: list[float]
    failed: int
    waiting: int
    devices: tuple[str, ...] = ()
    run_names: tuple[str, ...] = ()

    @property
    def begun(self) -> bool:
        """Whether any run has ended, in whatever way."""
        return bool(self.accuracies or self.failed)

    @property
    def diverged(self) -> int:
        """How many runs did."""
        return sum(math.isnan(accuracy) for accuracy in self.accuracies)

    @property
    def completed(self) -> int:
        """How many runs trained to their end."""
        return len(self.accuracies) - self.diverged


def cell_runs(cell: CellPlan, seeds: int, store: Store) -> CellRuns:
    """Return a cell with the runs of its seeds, done or not."""
    chosen = known_rate(cell, store)
    if chosen is None:
        return CellRuns(cell, None, [])
    configs = [cell.at(chosen.rate, FIRST_SEED + number) for number in range(seeds)]
    return CellRuns(cell, chosen, [PlannedRun(config, store.run_dir(config)) for config in configs])


def cell_result(cell: CellPlan, seeds: int, store: Store) -> CellResult:
    """Collect a cell's seeds: those asked for, and those of earlier calls that asked for more."""
    if cell.config.task not in store.data:
        return CellResult(cell, None, [], [], 0, seeds)
    found = cell_runs(cell, seeds, store)
    while found.jobs and len(found.jobs) < MOST_SEEDS:
        more = cell_runs(cell, len(found.jobs) + 1, store)
        if runs.read_result(more.jobs[-1].run_dir) is None:
            break
        found = more
    if found.chosen is None:
        results = (runs.read_result(job.run_dir) or {} for job in race_jobs(cell, store))
        failed = sum(result.get("status") == "failed" for result in results)
        return CellResult(cell, None, [], [], failed, seeds)
    return _summed(found, seeds)


def _summed(found: CellRuns, asked: int) -> CellResult:
    seeds: list[int] = []
    accuracies: list[float] = []
    devices = set()
    names = []
    failed = 0
    for job in found.jobs:
        result = runs.read_result(job.run_dir) or {}
        if result.get("status") == "failed":
            failed += 1
            continue
        if result.get("status") == "diverged":
            accuracies.append(math.nan)
        elif runs.TEST_ACCURACY in result:
            accuracies.append(100 * float(result[runs.TEST_ACCURACY]))
        else:
            continue
        seeds.append(job.config.seed)
        names.append(job.run_dir.name)
        devices.add(str(result.get("device", "unknown")))
    waiting = max(0, asked - len(accuracies) - failed)
    return CellResult(
        found.cell,
        found.chosen,
        seeds,
        accuracies,
        failed,
        waiting,
        tuple(sorted(devices)),
        tuple(names),
    )
