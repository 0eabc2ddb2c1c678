"""SearchSpace: one file that says what is fixed, what is searched and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lru_tune.config.schema import RunConfig
from lru_tune.search.constraints import Constraint
from lru_tune.search.domains import Domain
from lru_tune.search.settings import TuneSettings

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
    tune: TuneSettings = TuneSettings()
    scale: Scale = "full"
    schema: int = 1
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
          source: a task's name or alias (its shipped space), or the path of a file (a `Path`, or a text
            with a separator or ending in .yaml). An experiment's space.yaml loads to an equal space.
          variant: another recurrence than the file's; fields it does not have are dropped, with a note.
          overrides: `dotted.key=value` texts, as after `--set`; a key is a field of RunConfig (which then
            is no longer searched), `search.<field>` with a domain, or `tune.<setting>`. They come last.
          scale: "quick" merges the file's `quick:` block over the rest.

        Raises:
          ConfigError: every problem found, one line each, with file and line or the `--set` it came from.
        """
        raise NotImplementedError

    def realise(self, sample: Mapping[str, Any], *, seed: int | None = None) -> RunConfig:
        """Return the configuration of a sample; dimensions it lacks and everything else come from base.

        Args:
          sample: dotted field -> real value.
          seed: replaces base's seed.

        Raises:
          ConfigError: a field is unknown or the values do not make a valid RunConfig.
        """
        raise NotImplementedError

    def satisfies(self, sample: Mapping[str, Any]) -> bool:
        """Return whether a sample meets every constraint and makes a valid RunConfig."""
        raise NotImplementedError

    def draw(self, rng: np.random.Generator) -> Sample:
        """Return one random sample in real values; it may violate constraints."""
        raise NotImplementedError

    def start_points(self) -> list[Sample]:
        """Return the samples of `tune.start_points`, complete and in real values."""
        raise NotImplementedError

    def horizon(self, train_examples: int) -> int:
        """Return the optimiser steps of the longest trial, for a training split of this many examples.

        Raises:
          ConfigError: the split is smaller than one batch.
        """
        raise NotImplementedError

    def grace(self, train_examples: int) -> int:
        """Return the steps before a trial may be stopped: `tune.scheduler.grace` or a tenth of the horizon.

        Raises:
          ConfigError: it is not below the horizon, so that no trial could ever be stopped.
        """
        raise NotImplementedError

    def grid(self) -> list[Sample]:
        """Return every combination of values, for the grid searcher; violating ones are left out."""
        raise NotImplementedError

    def to_yaml(self) -> str:
        """Return the file `load` reads back to an equal space."""
        raise NotImplementedError

    def difference(self, other: "SearchSpace") -> list[str]:
        """Return one line for each entry in which another space differs: `key: here -> there`."""
        raise NotImplementedError
