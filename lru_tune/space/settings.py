"""The `tune:` block of a search space: objective, trials, searcher, scheduler, resources, confirmation."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lru_tune.config.schema import Count, NonNegative, Positive, Strict, Whole
from lru_tune.errors import Invalid
from lru_tune.files.run_directory import VAL_ACCURACY, VAL_LOSS, Mode

DIRECTIONS = {VAL_ACCURACY: "max", VAL_LOSS: "min"}


def default_grace(horizon: int) -> int:
    """Return the default of `grace`: a tenth of the longest run, in steps."""
    return max(1, horizon // 10)


class SchedulerSettings(Strict):
    """Which trials to stop early. Trials are compared at equal optimiser steps."""

    kind: Literal["asha", "hyperband", "median", "none"] = "asha"
    """The rule; with `none` every trial runs to its end."""
    grace: Count | None = None
    """Optimiser steps before a trial can be stopped; default: a tenth of the longest run."""
    reduction_factor: Annotated[Whole, Field(ge=2)] = 3
    """At each rung, one in this many trials continues."""


class SearcherSettings(Strict):
    """How the next configuration is proposed."""

    kind: Literal["optuna", "random", "grid"] = "optuna"
    """Learn from earlier trials, draw at random, or try every combination of the choices."""
    sampler: Literal["tpe", "random", "qmc"] = "tpe"
    """Optuna's sampler; only for kind `optuna`."""
    seed: Annotated[Whole, Field(ge=0, lt=2**31)] = 0
    """Random seed of the searcher."""


class TrialResources(Strict):
    """The resources of one trial."""

    gpus: NonNegative = 1.0
    """GPUs of one trial, on machines that have GPUs; trials with a fraction share one."""
    cpus: Positive = 1.0
    """CPU cores of one trial on a machine with GPUs; without GPUs a trial takes one core."""
    lanes: Literal["auto"] | Count = "auto"
    """Trials trained side by side on one device, see docs/search_spaces.md; `auto` is 1 on a CPU."""


class ConfirmSettings(Strict):
    """The stage after the search: fresh seeds, full length, one evaluation on the test split."""

    top: Count = 3
    """How many of the best configurations to confirm."""
    seeds: Count = 3
    """Runs of each configuration, with fresh seeds."""


class TuneSettings(Strict):
    """The whole `tune:` block."""

    metric: Literal["val/accuracy", "val/loss"] = "val/accuracy"
    """The metric that trials are compared by."""
    mode: Mode = "max"
    """`max` for accuracy, `min` for loss."""
    trials: Count = 32
    """How many configurations to try."""
    start_points: tuple[str, ...] = ()
    """Names under `points`, or `base`, to try first, in this order."""
    scheduler: SchedulerSettings = SchedulerSettings()
    """How to stop trials early."""
    searcher: SearcherSettings = SearcherSettings()
    """How to propose configurations."""
    resources: TrialResources = TrialResources()
    """The resources of one trial."""
    confirm: ConfirmSettings = ConfirmSettings()
    """The stage after the search."""

    @model_validator(mode="after")
    def _mode_suits_the_metric(self) -> "TuneSettings":
        if self.mode != DIRECTIONS[self.metric]:
            raise Invalid("space.mode-unfit", expected=DIRECTIONS[self.metric], metric=self.metric)
        return self
