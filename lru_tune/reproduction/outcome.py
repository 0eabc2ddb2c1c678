"""The results of a cell, as far as its runs have ended. Reads run directories only."""

import math
from typing import NamedTuple

from lru_tune.files import run_directory as runs
from lru_tune.reproduction.cells import CellPlan
from lru_tune.reproduction.rates import Chosen, known_rate, rate_search_runs
from lru_tune.reproduction.store import Store
from lru_tune.search.ray.run_list import PlannedRun

FIRST_SEED = 1  # seed 0 belongs to the learning-rate search
MOST_SEEDS = 1000


class CellRuns(NamedTuple):
    """A cell, its learning rate and the runs of its seeds; without a rate there are no runs."""

    cell: CellPlan
    chosen: Chosen | None
    planned: list[PlannedRun]


class CellResult(NamedTuple):
    """The runs of a cell.

    Attributes:
      chosen: their learning rate; None if it is not known yet.
      seeds: seeds of the runs that completed or diverged, in order.
      accuracies: test accuracy of each in percent; NaN for a run that diverged.
      failed: number of failed runs, which do not count; while the learning rate is unknown, of its search.
      waiting: number of requested runs that have not ended.
      devices: the devices they ran on.
      run_names: names of their run directories, in the order of `seeds`.
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
        """Whether any run has ended or failed."""
        return bool(self.accuracies or self.failed)

    @property
    def diverged(self) -> int:
        """Number of runs that diverged."""
        return sum(math.isnan(accuracy) for accuracy in self.accuracies)

    @property
    def completed(self) -> int:
        """Number of runs that trained to their end."""
        return len(self.accuracies) - self.diverged


def cell_runs(cell: CellPlan, seeds: int, store: Store) -> CellRuns:
    """Return a cell with the runs of its seeds, done or not."""
    chosen = known_rate(cell, store)
    if chosen is None:
        return CellRuns(cell, None, [])
    configs = [cell.at(chosen.rate, FIRST_SEED + number) for number in range(seeds)]
    return CellRuns(cell, chosen, [PlannedRun(config, store.run_dir(config)) for config in configs])


def cell_result(cell: CellPlan, seeds: int, store: Store) -> CellResult:
    """Collect the requested seeds of a cell, and further seeds that earlier calls have run."""
    if cell.config.task not in store.data:
        return CellResult(cell, None, [], [], 0, seeds)
    found = cell_runs(cell, seeds, store)
    while found.planned and len(found.planned) < MOST_SEEDS:
        more = cell_runs(cell, len(found.planned) + 1, store)
        if runs.read_result(more.planned[-1].run_dir) is None:
            break
        found = more
    if found.chosen is None:
        results = (runs.read_result(run.run_dir) or {} for run in rate_search_runs(cell, store))
        failed = sum(result.get("status") == "failed" for result in results)
        return CellResult(cell, None, [], [], failed, seeds)
    return _summed(found, seeds)


def _summed(found: CellRuns, asked: int) -> CellResult:
    seeds: list[int] = []
    accuracies: list[float] = []
    devices = set()
    names = []
    failed = 0
    for run in found.planned:
        result = runs.read_result(run.run_dir) or {}
        if result.get("status") == "failed":
            failed += 1
            continue
        if result.get("status") == "diverged":
            accuracies.append(math.nan)
        elif runs.TEST_ACCURACY in result:
            accuracies.append(100 * float(result[runs.TEST_ACCURACY]))
        else:
            continue
        seeds.append(run.config.seed)
        names.append(run.run_dir.name)
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
