"""Plan: what a search will do, computed before it starts."""

import math
from dataclasses import dataclass, replace

from lru_tune.config.schema import RunConfig
from lru_tune.errors import ConfigError
from lru_tune.results.reading.rungs import rung_steps
from lru_tune.search.ray.resources import Allocation, Machine, ResourceRequest, allocate_lanes
from lru_tune.search.strategy.schedulers import StoppingSettings
from lru_tune.space.space import SearchSpace

# At most this part of the trials trains at once in lanes: searcher and scheduler learn from earlier trials.
LEARNING = 4


@dataclass(frozen=True)
class Plan:
    """What a search will do.

    Attributes:
      allocation: resources of each trial.
      trials: how many to run.
      stopping: settings of the scheduler.
      rungs: (step, trials expected to be compared there), smallest first; empty without early stopping.
      steps: optimiser steps expected over all trials of the search.
      confirm_runs: runs of full length after the search.
      example: the first configuration, used to measure memory.
    """

    space: SearchSpace
    machine: Machine
    allocation: Allocation
    trials: int
    stopping: StoppingSettings
    rungs: tuple[tuple[int, int], ...]
    steps: int
    confirm_runs: int
    example: RunConfig

    def lines(self) -> list[str]:
        """Return the plan as text."""
        tune, stopping = self.space.tune, self.stopping
        searcher = tune.searcher
        proposer = f"optuna {searcher.sampler}" if searcher.kind == "optuna" else searcher.kind
        stages = [f"{count} trials at step {step:,}" for step, count in self.rungs]
        lines = [
            f"task          {self.space.task} ({self.space.variant}, {self.space.scale} scale)",
            f"machine       {self.machine}",
            f"trials        {self.trials} of up to {stopping.horizon:,} steps, "
            f"{stopping.reports} reports each; {self.allocation}",
            f"searcher      {proposer}, seed {searcher.seed}, over {len(self.space.domains)} dimensions",
            f"objective     {tune.metric}, {tune.mode}",
            f"scheduler     {tune.scheduler.kind}"
            + (f": expected {', '.join(stages)}" if stages else ""),
            f"steps         {self.steps:,} expected in the search, "
            f"{self.confirm_runs * stopping.horizon:,} in the confirmation",
            f"confirmation  {self.confirm_runs} runs"
            + (
                f" ({tune.confirm.top} best x {tune.confirm.seeds} seeds)" * bool(self.confirm_runs)
            ),
        ]
        return lines + [f"note          {note}" for note in self.space.notes]


def make_plan(
    space: SearchSpace,
    machine: Machine,
    request: ResourceRequest,
    *,
    train_examples: int,
    confirm: bool = True,
) -> Plan:
    """Return the plan of a search.

    Args:
      space: the space to search.
      machine: its CPU cores and GPUs.
      request: resources requested on the command line.
      train_examples: number of examples in the task's training split.
      confirm: whether the confirmation follows the search.

    Raises:
      ConfigError: the grace period or a requested resource is invalid.
      ResourcesMissing: a trial does not fit on the machine.
    """
    scheduler = space.tune.scheduler
    if scheduler.kind == "hyperband" and request.max_concurrent is not None:
        raise ConfigError("search.hyperband-max-concurrent", key="--max-concurrent")
    if scheduler.kind == "hyperband":
        lanes = request.lanes or space.tune.resources.lanes
        if lanes not in (1, "auto"):
            raise ConfigError("search.hyperband-lanes", key="tune.resources.lanes", lanes=lanes)
        request = replace(request, lanes=1)
    horizon = space.horizon(train_examples)
    config = space.realise(space.start_points()[0] if space.start_points() else {})
    _, eval_every = config.length(train_examples)
    stopping = StoppingSettings(
        metric=space.tune.metric,
        mode=space.tune.mode,
        horizon=horizon,
        reports=-(-horizon // eval_every),
        grace=space.grace(train_examples),
        reduction_factor=scheduler.reduction_factor,
    )
    grid = space.tune.searcher.kind == "grid"
    trials = len(space.grid()) if grid else space.tune.trials
    stages = _expected_rungs(stopping, trials) if scheduler.kind == "asha" else ()
    top = min(space.tune.confirm.top, trials)
    return Plan(
        space=space,
        machine=machine,
        allocation=allocate_lanes(
            machine, space.tune.resources, request, worth=math.ceil(trials / LEARNING)
        ),
        trials=trials,
        stopping=stopping,
        rungs=stages,
        steps=_expected_steps(stopping, trials, stages),
        confirm_runs=top * space.tune.confirm.seeds if confirm else 0,
        example=config,
    )


def _expected_rungs(stopping: StoppingSettings, trials: int) -> tuple[tuple[int, int], ...]:
    """Return (step, trials that reach it): one in `reduction_factor` passes each rung."""
    steps = rung_steps(stopping.grace, stopping.reduction_factor, stopping.horizon)
    return tuple((step, _passing(stopping, trials, n)) for n, step in enumerate(steps))


def _expected_steps(
    stopping: StoppingSettings, trials: int, stages: tuple[tuple[int, int], ...]
) -> int:
    """Return the optimiser steps of all trials, each counted to the rung where it should stop."""
    total, before = 0, 0
    for step, reaching in (*stages, (stopping.horizon, _passing(stopping, trials, len(stages)))):
        total += reaching * (step - before)
        before = step
    return total


def _passing(stopping: StoppingSettings, trials: int, stages: int) -> int:
    return max(1, round(trials / stopping.reduction_factor**stages))
