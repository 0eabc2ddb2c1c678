"""Timing of programs that take turns in one process, so that a machine whose speed drifts favours none."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from benchmarks import report

Program = Callable[[int], Any]  # does its work n times and waits for the end of it


class Spent(NamedTuple):
    """Seconds of one step, by the clock and of all the process's threads."""

    wall: float
    cpu: float


def spent(run: Program, steps: int) -> Spent:
    """Return what one of `steps` steps took."""
    wall, cpu = time.perf_counter(), time.process_time()
    run(steps)
    return Spent((time.perf_counter() - wall) / steps, (time.process_time() - cpu) / steps)


def seconds(run: Program, steps: int) -> float:
    """Return the seconds one of `steps` steps took by the clock."""
    return spent(run, steps).wall


def in_turns(
    runs: Mapping[str, Program], *, rounds: int, budget: float, most_steps: int = 1000
) -> dict[str, list[Spent]]:
    """Time some programs, round by round, after one step of each that warms up.

    Args:
      runs: the programs by name.
      rounds: how often each has its turn.
      budget: about how many seconds a turn takes.
      most_steps: of a turn.

    Returns:
      For each name what a step took in each round.
    """
    steps = {}
    for name, run in runs.items():
        run(1)
        steps[name] = min(most_steps, max(1, round(budget / seconds(run, 1))))
    times: dict[str, list[Spent]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(spent(run, steps[name]))
    return times


def milliseconds(name: str, times: list[Spent]) -> dict[str, float]:
    """Return the columns `<name>_ms_median`, `_min` and `_max`, by the clock."""
    walls = report.quartiles([1e3 * each.wall for each in times])
    return {f"{name}_ms_{part}": value for part, value in walls.items()}


def ratios(name: str, over: list[Spent], under: list[Spent]) -> dict[str, float]:
    """Return the columns `<name>_median`, `_min` and `_max` of over / under, taken round by round."""
    walls = [a.wall / b.wall for a, b in zip(over, under, strict=True)]
    return {f"{name}_{part}": value for part, value in report.quartiles(walls).items()}


def cpu_ratios(name: str, over: list[Spent], under: list[Spent]) -> dict[str, float]:
    """Return the same of the process's own time, which other work disturbs less."""
    own = [a.cpu / b.cpu for a, b in zip(over, under, strict=True)]
    return {f"{name}_{part}": value for part, value in report.quartiles(own).items()}
