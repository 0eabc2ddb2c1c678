"""Figures of a comparison: regret, tasks won, speed-up, and paired differences over tasks."""

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from scipy import stats

from benchmarks.search_quality.methods import DEFAULT, METHODS, RANDOM, UNSTOPPED

Row = Mapping[str, Any]
SHARES = tuple(range(5, 101, 5))  # per cent of the budget at which the regret is kept
SHOWN = (10, 25, 50, 100)
CONFIDENCE = 0.95


def column(share: int) -> str:
    """Return the name of the column that holds the regret at a share of the budget."""
    return f"regret_{share}"


def task_means(rows: Sequence[Row], method: str, share: int = 100) -> dict[str, float]:
    """Return task -> regret of a method at a share of the budget, the mean over seeds."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["method"] == method:
            found.setdefault(str(row["task"]), []).append(float(row[column(share)]))
    return {task: statistics.fmean(values) for task, values in found.items()}


class Difference(NamedTuple):
    """A paired difference over tasks.

    Attributes:
      mean: of first - second; below 0 where the first has less regret.
      low, high: ends of its 95 % interval.
      t: Student's; 0 where all differences are equal.
      tasks: how many.
    """

    mean: float
    low: float
    high: float
    t: float
    tasks: int


def paired(first: Mapping[str, float], second: Mapping[str, float]) -> Difference:
    """Return the difference of two methods over the tasks that both have."""
    differences = [first[task] - second[task] for task in first if task in second]
    n, mean = len(differences), statistics.fmean(differences)
    if n < 2:
        return Difference(mean, -math.inf, math.inf, 0.0, n)
    error = statistics.stdev(differences) / math.sqrt(n)
    margin = error * float(stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1))
    return Difference(mean, mean - margin, mean + margin, mean / error if error else 0.0, n)


def wins(first: Mapping[str, float], second: Mapping[str, float]) -> int:
    """Return the number of tasks on which the first has less regret."""
    return sum(first[task] < second[task] for task in first if task in second)


def speed_ups(rows: Sequence[Row], method: str) -> tuple[float, int]:
    """Return how much sooner a method has random's final regret, and on how many tasks it gets there.

    Random is random proposals of which none is stopped; sooner is counted in full trainings, the mean over
    seeds interpolated between shares of the budget. The geometric mean over tasks; a task on which the
    method never gets there counts as 1.
    """
    goals = task_means(rows, UNSTOPPED)
    at = {share: task_means(rows, method, share) for share in SHARES}
    ratios, reached = [], 0
    for task, goal in goals.items():
        if task not in at[100]:
            continue
        path = [100.0, *(at[share][task] for share in SHARES)]
        share = first_share(path, goal)
        reached += share is not None
        ratios.append(100.0 / share if share else 1.0)
    return statistics.geometric_mean(ratios), reached


def first_share(path: Sequence[float], goal: float) -> float | None:
    """Return the share of the budget, in per cent, at which a path of regrets is first at or below a goal.

    Args:
      path: at 0 and at each of SHARES.
      goal: a regret.
    """
    points = zip((0, *SHARES), path, strict=True)
    for (low, before), (high, after) in itertools.pairwise(points):
        if after <= goal:
            if before <= goal:
                return float(max(low, 1))
            return low + (high - low) * (before - goal) / (before - after)
    return None


def matched(rows: Sequence[Row], method: str) -> list[Row]:
    """Return the rows of the tasks and seeds that a method was run with."""
    run = {(row["task"], row["seed"]) for row in rows if row["method"] == method}
    return [row for row in rows if (row["task"], row["seed"]) in run]


def table(rows: Sequence[Row]) -> str:
    """Return the Markdown table of one setting, one line a method, compared over its own searches."""
    head = ["method", *(f"{share} %" for share in SHOWN), "tasks won", "speed-up", "trials"]
    head += ["minus random under ASHA", "t", "n"]
    lines = [head, ["---"] * len(head)]
    names = [name for name in METHODS if any(row["method"] == name for row in rows)]
    lines += [_line(matched(rows, name), name) for name in names]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _line(rows: Sequence[Row], name: str) -> list[str]:
    final, random = task_means(rows, name), task_means(rows, RANDOM)
    unstopped = task_means(rows, UNSTOPPED)
    trials = [int(row["trials"]) for row in rows if row["method"] == name]
    cells = [name]
    cells += [f"{statistics.fmean(task_means(rows, name, s).values()):.1f}" for s in SHOWN]
    won = f"{wins(final, unstopped)} of {len(final)}" if unstopped else ""
    speed = f"{speed_ups(rows, name)[0]:.1f}" if unstopped else ""
    cells += [won if name != UNSTOPPED else "", speed, f"{statistics.fmean(trials):.0f}"]
    if random and name != RANDOM:
        d = paired(final, random)
        cells += [f"{d.mean:+.1f} ({d.low:+.1f} to {d.high:+.1f})", f"{d.t:.1f}"]
    else:
        cells += ["", ""]
    return [*cells, str(len(trials))]


def worse_than_random(rows: Sequence[Row]) -> Difference | None:
    """Return by how much the default is worse than random proposals, None where it is not beyond error."""
    default, random = task_means(rows, DEFAULT), task_means(rows, RANDOM)
    if not default or not random:
        return None
    difference = paired(default, random)
    return difference if difference.tasks > 1 and difference.low > 0 else None
