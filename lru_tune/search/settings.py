"""The `tune:` block of a search space: what is maximised, how many trials, how they are judged."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lru_tune.config.schema import Count, NonNegative, Positive, Strict, Whole
from lru_tune.runs import VAL_ACCURACY, VAL_LOSS

DIRECTIONS = {VAL_ACCURACY: "max", VAL_LOSS: "min"}


class SchedulerSettings(Strict):
    """Which trials are stopped early. The clock is the optimiser step."""

    kind: Literal["asha", "hyperband", "median", "none"] = "asha"
    grace: Count | None = (
        None  # steps before a trial can be stopped; None: a tenth of the longest run
    )
    reduction_factor: Annotated[Whole, Field(ge=2)] = 3  # one in so many goes on at each rung


class SearcherSettings(Strict):
    """Who proposes the next configuration."""

    kind: Literal["optuna", "random", "grid"] = "optuna"
    sampler: Literal["tpe", "random", "qmc"] = "tpe"  # of Optuna
    seed: Annotated[Whole, Field(ge=0, lt=2**31)] = 0


class TrialResources(Strict):
    """What one trial asks for; a fraction of a GPU shares it."""

    gpus: NonNegative = 1.0  # where there are GPUs, otherwise 0
    cpus: Positive = 1.0


class ConfirmSettings(Strict):
    """The stage after the search: fresh seeds, full length, test read once."""

    top: Count = 3  # so many of the best by validation
    seeds: Count = 3  # runs of each


class TuneSettings(Strict):
    """The whole `tune:` block."""

    metric: Literal["val/accuracy", "val/loss"] = "val/accuracy"
    mode: Literal["max", "min"] = "max"
    trials: Count = 32
    start_points: tuple[
        str, ...
    ] = ()  # names under `points`, or `base`; tried first, in this order
    scheduler: SchedulerSettings = SchedulerSettings()
    searcher: SearcherSettings = SearcherSettings()
    resources: TrialResources = TrialResources()
    confirm: ConfirmSettings = ConfirmSettings()

    @model_validator(mode="after")
    def _mode_suits_the_metric(self) -> "TuneSettings":
        if self.mode != DIRECTIONS[self.metric]:
            raise ValueError(f"mode must be {DIRECTIONS[self.metric]} for {self.metric}")
        return self
