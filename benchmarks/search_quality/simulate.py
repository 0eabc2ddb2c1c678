"""A search under a simulated clock: some workers, one report at a time, until the budget is spent."""

import heapq
from typing import Literal, NamedTuple, Protocol

import numpy as np

from benchmarks.search_quality.problems import Problem, Sample, Stress

STEPS_PER_REPORT = 100  # so that a twentieth of the horizon is a whole number of steps
PACE = 0.25  # trials take up to this share longer or shorter a report, so that workers drift apart

Winner = Literal["completed", "value"]


class Search(Protocol):
    """What proposes and stops trials; the product's own objects, or a peer's."""

    def suggest(self) -> tuple[int, Sample]:
        """Return the number of a new trial, counted from 0, and its sample."""

    def report(self, number: int, report: int, value: float, *, last: bool) -> bool:
        """Take a trial's report, counted from 1; return whether the trial is to stop."""


class Simulation(NamedTuple):
    """What came of a search.

    Attributes:
      regret: of the configuration that would be chosen after every report, shape (budget in reports,).
      trials, completed: how many were begun, and how many reached the horizon.
      samples: of all trials, in order.
      stopped_at: reports of each trial.
    """

    regret: np.ndarray
    trials: int
    completed: int
    samples: list[Sample]
    stopped_at: list[int]


def simulate(
    search: Search,
    problem: Problem,
    *,
    stress: Stress,
    workers: int,
    budget: float,
    seed: int,
    winner: Winner,
) -> Simulation:
    """Run a search until its trials have made `budget` full trainings' worth of reports.

    Args:
      search: fresh.
      problem: what is searched.
      stress: what the curves suffer.
      workers: trials at a time.
      budget: in full trainings.
      seed: of noise and pace, equal for the trials of the same number in every search.
      winner: `completed` chooses the best completed trial, and the best of all only where none has
        completed; `value` chooses the best of all.
    """
    total = round(budget * problem.reports)
    regret = np.full(total, 100.0)  # before the first report, as good as a random configuration
    curves: list[np.ndarray] = []
    truths: list[float] = []
    paces: list[float] = []
    samples: list[Sample] = []
    made: list[int] = []
    running: list[tuple[float, int]] = []  # time of the next report, trial
    best_of = {"completed": (-np.inf, 0), "value": (-np.inf, 0)}  # value, trial
    completed, now = 0, 0.0
    for spent in range(total):
        while len(running) < workers:
            number, sample = search.suggest()
            rng = np.random.default_rng([seed, number])
            pace = 1.0 + PACE * rng.uniform(-1.0, 1.0)
            true = problem.curve(sample)
            curves.append(stress.apply(true, problem.chance, rng))
            truths.append(float(true[-1]))
            paces.append(pace)
            samples.append(sample)
            made.append(0)
            heapq.heappush(running, (now + pace, number))
        now, number = heapq.heappop(running)
        made[number] += 1
        last = made[number] == problem.reports
        value = float(curves[number][made[number] - 1])
        stops = search.report(number, made[number], value, last=last)
        best_of["value"] = max(best_of["value"], (value, number), key=lambda pair: pair[0])
        if last:
            completed += 1
            reached = (float(curves[number].max()), number)
            best_of["completed"] = max(best_of["completed"], reached, key=lambda pair: pair[0])
        elif not stops:
            heapq.heappush(running, (now + paces[number], number))
        chosen = best_of["value" if winner == "value" or not completed else "completed"][1]
        regret[spent] = problem.regret(truths[chosen])
    return Simulation(regret, len(samples), completed, samples, made)
