"""SampleSpace: what is fixed, what is searched, and the samples and configurations that follow."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from lru_tune.config.document import at_key
from lru_tune.config.dotted import nest
from lru_tune.config.fields import validate
from lru_tune.config.schema import RunConfig
from lru_tune.errors import ConfigError, Problem, problem
from lru_tune.space.constraints import Constraint
from lru_tune.space.domains import Choice, Domain
from lru_tune.space.layers import SCHEMA
from lru_tune.space.settings import TuneSettings, default_grace

Scale = Literal["full", "quick"]
Sample = dict[str, Any]  # dotted field -> value, one entry for each dimension

_LENGTH_FIELDS = ("steps", "epochs", "data.batch_size", "data.train_examples")


@dataclass(frozen=True)
class SampleSpace:
    """The fields of a run that are fixed, the domains of the others, and every sample they allow.

    Attributes:
      task: canonical name.
      variant: name in `VARIANTS`; its fields are part of `base`.
      base: every field of RunConfig but task, variant and those that are None; dotted keys, typed values.
      domains: dotted field -> Domain, in the order of the file; empty for a fixed recipe.
      constraints: conditions that every sample must satisfy.
      points: named samples, as written: dotted field -> value, dimensions only.
      tune: the `tune:` block.
      scale: "quick" where the file's `quick:` block has been merged over the rest.
      schema: version of the file format.
      path: the file read, absolute; None for a space made in memory.
      notes: messages for the user, such as dimensions dropped by an override or a variant.
    """

    task: str
    variant: str
    base: dict[str, Any]
    domains: dict[str, Domain]
    constraints: tuple[Constraint, ...] = ()
    points: dict[str, Sample] = field(default_factory=dict)
    tune: TuneSettings = field(default_factory=TuneSettings)
    scale: Scale = "full"
    schema: int = SCHEMA
    path: Path | None = field(default=None, compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

    def realise(self, sample: Mapping[str, Any], *, seed: int | None = None) -> RunConfig:
        """Return the configuration of a sample; base provides every other field.

        Args:
          sample: dotted field -> value.
          seed: replaces base's seed.

        Raises:
          ConfigError: a field is unknown, or the values are not a valid RunConfig.
        """
        flat = self._whole(sample)
        if seed is not None:
            flat["seed"] = seed
        try:
            return RunConfig.model_validate(nest(flat))
        except (ValidationError, ConfigError):  # again, for a problem of each field
            return validate(RunConfig, flat, at_key)

    def satisfies(self, sample: Mapping[str, Any]) -> bool:
        """Return whether a sample satisfies every constraint and is a valid RunConfig."""
        flat = self._whole(sample)
        if not all(constraint.holds(flat) for constraint in self.constraints):
            return False
        try:
            RunConfig.model_validate(nest(flat))
        except ValidationError:
            return False
        return True

    def _whole(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        return {"task": self.task, "variant": self.variant, **self.base, **sample}

    def draw(self, rng: np.random.Generator) -> Sample:
        """Return one random sample; it may violate constraints."""
        return {path: domain.draw(rng) for path, domain in self.domains.items()}

    def start_points(self) -> list[Sample]:
        """Return the samples of `tune.start_points`, complete and without repetition."""
        points: list[Sample] = []
        for name in self.tune.start_points:
            point = self.complete(self.points.get(name, {}))
            if point not in points:
                points.append(point)
        return points

    def complete(self, point: Mapping[str, Any]) -> Sample:
        """Return a sample with a value for every dimension; base or a default completes the point."""
        defaults = dict.fromkeys(self.domains) | self.base
        return {path: point.get(path, defaults[path]) for path in self.domains}

    def reads(self) -> dict[str, int]:
        """Return split -> most examples that a trial reads; without the splits that are read whole."""
        searched = {path.split(".")[1] for path in self.domains if path.startswith("data.")}
        limits = self.realise(self.complete({})).data.reads()
        return {split: n for split, n in limits.items() if f"{split}_examples" not in searched}

    def horizon(self, train_examples: int) -> int:
        """Return the optimiser steps of the longest trial, given the size of the training split.

        Raises:
          ConfigError: the split is smaller than one batch.
        """
        lengths = [path for path in _LENGTH_FIELDS if path in self.domains]
        ends = itertools.product(*(self.domains[path].ends() for path in lengths))
        configs = [self.realise(dict(zip(lengths, values, strict=True))) for values in ends]
        return max(config.length(train_examples).steps for config in configs)

    def grace(self, train_examples: int) -> int:
        """Return the steps before a trial may be stopped: `tune.scheduler.grace` or its default.

        Raises:
          ConfigError: no trial could ever be stopped, see `too_late`.
        """
        horizon = self.horizon(train_examples)
        if late := self.too_late(horizon):
            raise ConfigError(*late)
        return self.tune.scheduler.grace or default_grace(horizon)

    def too_late(self, horizon: int) -> list[Problem]:
        """Return a problem for each of grace and `eval_every` that is not below the horizon."""
        if self.tune.scheduler.kind == "none":
            return []
        default = default_grace(horizon)
        clocks = {
            "tune.scheduler.grace": self.tune.scheduler.grace or default,
            "eval_every": self.base.get("eval_every", 1),
        }
        return [
            problem(
                "space.never-stopped",
                steps=steps,
                horizon=horizon,
                better=default,
                setting=path,
                key=path,
            )
            for path, steps in clocks.items()
            if steps >= horizon
        ]

    def grid(self) -> list[Sample]:
        """Return every combination of values that satisfies the constraints, for the grid searcher.

        Raises:
          ConfigError: a dimension is a range, not a choice.
        """
        endless = [path for path, domain in self.domains.items() if not isinstance(domain, Choice)]
        if endless:
            raise ConfigError("space.grid-of-range", field=endless[0])
        values = itertools.product(*(domain.ends() for domain in self.domains.values()))
        samples = [dict(zip(self.domains, row, strict=True)) for row in values]
        return [sample for sample in samples if self.satisfies(sample)]
