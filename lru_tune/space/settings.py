"""The `tune:` block of a search space: what is maximised, how many trials, how they are judged."""

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
    """Which trials are stopped early. The clock is the optimiser step."""

    kind: Literal["asha", "hyperband", "median", "none"] = "asha"
    """By which rule; `none` lets every trial run to its end."""
    grace: Count | None = None
    """Steps before a trial can be stopped; left out, a tenth of the longest run."""
    reduction_factor: Annotated[Whole, Field(ge=2)] = 3
    """One trial in so many goes on at each rung."""


class SearcherSettings(Strict):
    """Who proposes the next configuration."""

    kind: Literal["optuna", "random", "grid"] = "optuna"
    """Learning from earlier trials, drawing at random, or every combination of `grid` and `choice`."""
    sampler: Literal["tpe", "random", "qmc"] = "tpe"
    """Optuna's way of proposing; other kinds do not read it."""
    seed: Annotated[Whole, Field(ge=0, lt=2**31)] = 0
    """Of the proposals."""


class TrialResources(Strict):
    """What one trial asks for; a fraction of a GPU shares it."""

    gpus: NonNegative = 1.0
    """GPUs of one trial, where there are any; a fraction shares one."""
    cpus: Positive = 1.0
    """CPU cores of one trial beside its GPU; without GPUs a trial takes one core."""
    lanes: Literal["auto"] | Count = "auto"
    """Trials trained side by side on one device, see docs/search_spaces.md; `auto` is 1 on a CPU."""


class ConfirmSettings(Strict):
    """The stage after the search: fresh seeds, full length, test read once."""

    top: Count = 3
    """So many of the best configurations by validation."""
    seeds: Count = 3
    """Runs of each, with fresh seeds."""


class TuneSettings(Strict):
    """The whole `tune:` block."""

    metric: Literal["val/accuracy", "val/loss"] = "val/accuracy"
    """What trials are compared by."""
    mode: Mode = "max"
    """`max` for accuracy, `min` for loss."""
    trials: Count = 32
    """How many configurations are tried."""
    start_points: tuple[str, ...] = ()
    """Names under `points`, or `base`; tried first, in this order."""
    scheduler: SchedulerSettings = SchedulerSettings()
    """Stopping early."""
    searcher: SearcherSettings = SearcherSettings()
    """Proposing."""
    resources: TrialResources = TrialResources()
    """What a trial gets."""
    confirm: ConfirmSettings = ConfirmSettings()
    """After the search."""

    @model_validator(mode="after")
    def _mode_suits_the_metric(self) -> "TuneSettings":
        if self.mode != DIRECTIONS[self.metric]:
            raise Invalid("space.mode-unfit", expected=DIRECTIONS[self.metric], metric=self.metric)
        return self
