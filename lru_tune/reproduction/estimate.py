"""What running a table would take on this machine, from a short calibration."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from lru_tune.config.schema import RunConfig
from lru_tune.reproduction.cells import CellPlan
from lru_tune.reproduction.outcome import cell_runs
from lru_tune.reproduction.rates import known_rate, race_jobs
from lru_tune.reproduction.store import Store
from lru_tune.search.ray.resources import Machine, ResourceRequest, allocate
from lru_tune.search.ray.run_list import PlannedRun, is_done
from lru_tune.training.speed import Speed, measure_speeds

SECONDS = 3.0  # of training timed for one kind of cell
PATIENCE = 90.0  # seconds until a kind of cell is left without an estimate
RING = {"recurrence": {"r_min", "r_max", "max_phase"}}


class Estimate(NamedTuple):
    """The work left in one cell.

    Attributes:
      steps: optimiser steps of one run.
      races: runs of the race for the learning rate still to make; some will be stopped early.
      seeds: runs that count still to make.
      speed: measured on this device; None where nothing is left to run.
      hours: with as many runs at a time as the machine holds; None where the speed is unknown.
    """

    cell: CellPlan
    steps: int
    races: int
    seeds: int
    speed: Speed | None
    hours: float | None


def estimate(
    cells: Sequence[CellPlan],
    seeds: int,
    store: Store,
    machine: Machine,
    wishes: ResourceRequest,
    say: Callable[[str], None],
) -> Iterator[Estimate]:
    """Measure each kind of cell for some seconds and yield what is left to do in every cell.

    Evaluation is not in it, and runs at the same time slow each other down on a CPU: the hours are a lower
    bound, but for the races, which are counted as if no run were stopped. Lanes are not considered.
    """
    measured: dict[str, Speed] = {}
    for cell in cells:
        steps = cell.config.steps or 0
        races, waiting = _to_do(cell, seeds, store)
        if not races + waiting:
            yield Estimate(cell, steps, 0, 0, None, 0.0)
            continue
        allocation = allocate(machine, cell.resources, wishes)
        kind = _kind(cell.config)
        if kind not in measured:
            say(f"calibrating {cell}, at most {PATIENCE:.0f} s")
            (measured[kind],) = measure_speeds(
                [cell.config], cpus=allocation.cpus, seconds=SECONDS, most_seconds=PATIENCE
            )
        speed = measured[kind]
        hours = None
        if speed.steps_per_second:
            run_hours = steps / speed.steps_per_second / 3600
            hours = run_hours * (races + waiting) / allocation.concurrent
        yield Estimate(cell, steps, races, waiting, speed, hours)


def _to_do(cell: CellPlan, seeds: int, store: Store) -> tuple[int, int]:
    """Return how many runs of a cell's race, and of its seeds, are not done."""
    if cell.config.task not in store.data:
        return (len(cell.rates) if len(cell.rates) > 1 else 0), seeds
    races = 0 if known_rate(cell, store) else _left(race_jobs(cell, store))
    jobs = cell_runs(cell, seeds, store).jobs
    return races, _left(jobs) if jobs else seeds


def _left(jobs: Iterable[PlannedRun]) -> int:
    return sum(not is_done(job) for job in jobs)


def _kind(config: RunConfig) -> str:
    """Return a text that configurations of equal speed share."""
    model = config.model.model_dump_json(exclude=RING)
    return f"{config.task} {config.data.batch_size} {config.data.max_length} {model}"
