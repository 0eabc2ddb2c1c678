"""Estimates how long a table takes on this machine, from a short calibration."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from lru_tune.config.schema import RunConfig
from lru_tune.reproduction.cells import CellPlan
from lru_tune.reproduction.outcome import cell_runs
from lru_tune.reproduction.rates import known_rate, rate_search_runs
from lru_tune.reproduction.store import Store
from lru_tune.search.ray.resources import Machine, ResourceRequest, allocate
from lru_tune.search.ray.run_list import PlannedRun, is_done
from lru_tune.training.speed import Speed, measure_speeds

SECONDS = 3.0  # of training that are timed for each kind of cell
TIMEOUT = 90.0  # seconds after which a kind of cell gets no estimate
RING = {"recurrence": {"r_min", "r_max", "max_phase"}}


class Estimate(NamedTuple):
    """The work left in one cell.

    Attributes:
      steps: optimiser steps of one run.
      rate_runs: runs left of the learning-rate search; some will be stopped early.
      seed_runs: runs left of the seeds.
      speed: measured on this device; None if nothing is left to run.
      hours: with as many concurrent runs as fit on the machine; None if the speed is unknown.
    """

    cell: CellPlan
    steps: int
    rate_runs: int
    seed_runs: int
    speed: Speed | None
    hours: float | None


def estimate(
    cells: Sequence[CellPlan],
    seeds: int,
    store: Store,
    machine: Machine,
    requested: ResourceRequest,
    log: Callable[[str], None],
) -> Iterator[Estimate]:
    """Time each kind of cell for some seconds and yield the work left in every cell.

    The hours are a lower bound: they leave out evaluation, and concurrent runs slow each other down on a CPU.
    Only learning-rate searches may take less, as none of their runs counts as stopped. Lanes are ignored.
    """
    measured: dict[str, Speed] = {}
    for cell in cells:
        steps = cell.config.steps or 0
        rate_runs, seed_runs = _runs_left(cell, seeds, store)
        if not rate_runs + seed_runs:
            yield Estimate(cell, steps, 0, 0, None, 0.0)
            continue
        allocation = allocate(machine, cell.resources, requested)
        kind = _kind(cell.config)
        if kind not in measured:
            log(f"calibrating {cell}, at most {TIMEOUT:.0f} s")
            (measured[kind],) = measure_speeds(
                [cell.config], cpus=allocation.cpus, seconds=SECONDS, most_seconds=TIMEOUT
            )
        speed = measured[kind]
        hours = None
        if speed.steps_per_second:
            run_hours = steps / speed.steps_per_second / 3600
            hours = run_hours * (rate_runs + seed_runs) / allocation.concurrent
        yield Estimate(cell, steps, rate_runs, seed_runs, speed, hours)


def _runs_left(cell: CellPlan, seeds: int, store: Store) -> tuple[int, int]:
    """Return how many runs of a cell's learning-rate search, and of its seeds, are not done."""
    if cell.config.task not in store.data:
        return (len(cell.rates) if len(cell.rates) > 1 else 0), seeds
    rate_runs = 0 if known_rate(cell, store) else _left(rate_search_runs(cell, store))
    planned = cell_runs(cell, seeds, store).planned
    return rate_runs, _left(planned) if planned else seeds


def _left(planned: Iterable[PlannedRun]) -> int:
    return sum(not is_done(run) for run in planned)


def _kind(config: RunConfig) -> str:
    """Return a key that is equal for configurations of the same speed."""
    model = config.model.model_dump_json(exclude=RING)
    return f"{config.task} {config.data.batch_size} {config.data.max_length} {model}"
