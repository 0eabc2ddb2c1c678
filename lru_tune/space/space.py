"""SearchSpace: one file that says what is fixed, what is searched and how."""

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from lru_tune.config.config_files import dump_yaml
from lru_tune.config.document import at_key
from lru_tune.config.dotted import flatten, nest
from lru_tune.config.fields import validate
from lru_tune.config.resolve import flat_fields
from lru_tune.config.schema import RunConfig
from lru_tune.config.yaml_io import read_yaml
from lru_tune.errors import ConfigError, Problem, problem
from lru_tune.files import paths as layout
from lru_tune.space.constraints import Constraint
from lru_tune.space.domains import Choice, Domain
from lru_tune.space.layers import SCHEMA, Draft
from lru_tune.space.parse import parse
from lru_tune.space.settings import TuneSettings, default_grace
from lru_tune.space.validate import check
from lru_tune.tasks import find_task

Scale = Literal["full", "quick"]
Sample = dict[str, Any]  # dotted field -> real value, one entry a dimension


@dataclass(frozen=True)
class SearchSpace:
    """A checked search space, complete: defaults filled in, variant, quick and overrides applied.

    Equality ignores where the space was read and the notes made while reading. Picklable.

    Attributes:
      task: canonical name.
      variant: name in `VARIANTS`; its fields are part of `base`.
      base: every field of RunConfig but task, variant and those that are None; dotted keys, typed values.
      domains: dotted field -> Domain, in the order of the file; empty for a fixed recipe.
      constraints: what every sample has to satisfy.
      points: named samples, as written: dotted field -> value, dimensions only.
      tune: the `tune:` block.
      scale: "quick" where the file's `quick:` block has been merged over the rest.
      schema: version of the file format.
      path: the file read, absolute; None for a space made in memory.
      notes: lines for the user, such as dimensions dropped by an override or a variant.
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

    @classmethod
    def load(
        cls,
        source: str | Path,
        *,
        variant: str | None = None,
        overrides: Sequence[str] = (),
        scale: Scale = "full",
    ) -> "SearchSpace":
        """Read, resolve and check a search space.

        Args:
          source: a task's name or alias (its shipped space), or the path of a file (a `Path`, or a string
            with a separator or ending in .yaml). An experiment's space.yaml loads to an equal space.
          variant: replaces the variant of the file; fields that it lacks are dropped, with a note.
          overrides: `dotted.key=value` strings, as after `--set`; a key is a field of RunConfig (which then
            is no longer searched), `search.<field>` with a domain, or `tune.<setting>`. They come last.
          scale: "quick" merges the file's `quick:` block over the rest; a resolved space keeps its own.

        Raises:
          ConfigError: every problem found, with file and line or the `--set` it came from.
        """
        path = _find(source)
        draft = Draft.of(read_yaml(path))
        draft.merge_quick(scale)
        if variant is not None:
            draft.switch(variant)
        for text in overrides:
            draft.override(text)
        parts = parse(draft)
        space = cls(
            task=parts.heading.task,
            variant=parts.heading.variant,
            base=flat_fields(parts.config),
            domains=parts.domains,
            constraints=parts.constraints,
            points=parts.points,
            tune=parts.tune,
            scale=draft.scale,
            path=path,
            notes=tuple(draft.notes),
        )
        if problems := check(space, draft.document.locate):
            raise ConfigError(*problems)
        return space

    def realise(self, sample: Mapping[str, Any], *, seed: int | None = None) -> RunConfig:
        """Return the configuration of a sample; dimensions it lacks and everything else come from base.

        Args:
          sample: dotted field -> real value.
          seed: replaces base's seed.

        Raises:
          ConfigError: a field is unknown or the values do not make a valid RunConfig.
        """
        flat = self._whole(sample)
        if seed is not None:
            flat["seed"] = seed
        try:
            return RunConfig.model_validate(nest(flat))
        except (ValidationError, ConfigError):  # again, for a problem of each field
            return validate(RunConfig, flat, at_key)

    def satisfies(self, sample: Mapping[str, Any]) -> bool:
        """Return whether a sample meets every constraint and makes a valid RunConfig."""
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
        """Return one random sample in real values; it may violate constraints."""
        return {path: domain.draw(rng) for path, domain in self.domains.items()}

    def start_points(self) -> list[Sample]:
        """Return the samples of `tune.start_points`, complete and in real values, without repetition."""
        points: list[Sample] = []
        for name in self.tune.start_points:
            point = self.complete(self.points.get(name, {}))
            if point not in points:
                points.append(point)
        return points

    def complete(self, point: Mapping[str, Any]) -> Sample:
        """Return a sample with a value for every dimension, those a point lacks from base or a default."""
        defaults = dict.fromkeys(self.domains) | self.base
        return {path: point.get(path, defaults[path]) for path in self.domains}

    def reads(self) -> dict[str, int]:
        """Return how many examples of each split a trial reads at most; a split read whole is left out."""
        searched = {path.split(".")[1] for path in self.domains if path.startswith("data.")}
        limits = self.realise(self.complete({})).data.reads()
        return {split: n for split, n in limits.items() if f"{split}_examples" not in searched}

    def horizon(self, train_examples: int) -> int:
        """Return the optimiser steps of the longest trial, for a training split of this many examples.

        Raises:
          ConfigError: the split is smaller than one batch.
        """
        lengths = [path for path in _LENGTH_FIELDS if path in self.domains]
        ends = itertools.product(*(self.domains[path].ends() for path in lengths))
        configs = [self.realise(dict(zip(lengths, values, strict=True))) for values in ends]
        return max(config.length(train_examples).steps for config in configs)

    def grace(self, train_examples: int) -> int:
        """Return the steps before a trial may be stopped: `tune.scheduler.grace` or a tenth of the horizon.

        Raises:
          ConfigError: it, or the first report, is not below the horizon: no trial could ever be stopped.
        """
        horizon = self.horizon(train_examples)
        if late := self.too_late(horizon):
            raise ConfigError(*late)
        return self.tune.scheduler.grace or default_grace(horizon)

    def too_late(self, horizon: int) -> list[Problem]:
        """Return a problem for each setting that keeps every trial from being stopped early."""
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
        """Return every combination of values, for the grid searcher; violating ones are left out.

        Raises:
          ConfigError: a dimension is not a list of values.
        """
        endless = [path for path, domain in self.domains.items() if not isinstance(domain, Choice)]
        if endless:
            raise ConfigError("space.grid-of-range", field=endless[0])
        values = itertools.product(*(domain.ends() for domain in self.domains.values()))
        samples = [dict(zip(self.domains, row, strict=True)) for row in values]
        return [sample for sample in samples if self.satisfies(sample)]

    def to_mapping(self) -> dict[str, Any]:
        """Return the content of the file `load` reads back to an equal space."""
        return {
            "schema": self.schema,
            "task": self.task,
            "variant": self.variant,
            "scale": self.scale,
            "base": nest(self.base),
            "search": {path: domain.to_mapping() for path, domain in self.domains.items()},
            "constraints": [constraint.text for constraint in self.constraints],
            "points": self.points,
            "tune": _without_none(self.tune.model_dump(mode="json")),
        }

    def to_yaml(self, header: Sequence[str] = ()) -> str:
        """Return the text of the file `load` reads back to an equal space; `header` becomes comments."""
        return dump_yaml(self.to_mapping(), header)

    def difference(self, other: "SearchSpace") -> dict[str, str]:
        """Return key -> `key: here -> there` for each entry in which another space differs."""
        here, there = (flatten(space.to_mapping()) for space in (self, other))
        return {
            key: f"{key}: {here.get(key, 'absent')} -> {there.get(key, 'absent')}"
            for key in here | there
            if here.get(key, _ABSENT) != there.get(key, _ABSENT)
        }


_ABSENT = object()
_LENGTH_FIELDS = ("steps", "epochs", "data.batch_size", "data.train_examples")


def _without_none(mapping: dict[str, Any]) -> dict[str, Any]:
    return nest({key: value for key, value in flatten(mapping).items() if value is not None})


def _find(source: str | Path) -> Path:
    """Return the absolute path of a file, or of the shipped space of a task."""
    if isinstance(source, str) and os.sep not in source and not source.endswith((".yaml", ".yml")):
        return layout.search_space_file(find_task(source).name)
    return Path(source).resolve()
