"""Which cells of a table to run, and their configurations."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lru_tune.config.document import at_key
from lru_tune.config.resolve import Heading, adapt, assign, resolve
from lru_tune.config.schema import RunConfig
from lru_tune.config.yaml_io import read_override
from lru_tune.errors import ConfigError, did_you_mean
from lru_tune.files.paths import search_space_file
from lru_tune.paper.tables import Column, PaperTable, Row
from lru_tune.reproduction.scale import Setting
from lru_tune.space.sample_space import Scale
from lru_tune.space.settings import TrialResources
from lru_tune.space.space import SearchSpace
from lru_tune.tasks import find_task

RATE = "optim.learning_rate"
FEWEST_STEPS = 20  # of a scaled run, so that a few steps follow its warm-up
QUICK_FACTORS = (1.0, 4.0)  # times a grid's largest rate: short runs need higher ones


@dataclass(frozen=True)
class CellPlan:
    """A cell to run.

    Attributes:
      row, column: its place in the table.
      config: its recipe; the learning rate is one of `rates`.
      rates: learning rates to compare on validation first; a single one is used as it is.
      resources: of one run.
    """

    row: Row
    column: Column
    config: RunConfig
    rates: tuple[float, ...]
    resources: TrialResources

    def at(self, rate: float, seed: int) -> RunConfig:
        """Return the recipe with a learning rate and a seed."""
        optim = self.config.optim.model_copy(update={"learning_rate": rate})
        return self.config.model_copy(update={"seed": seed, "optim": optim})

    def with_length(self, train_examples: int) -> "CellPlan":
        """Return the cell with its number of steps resolved for a training split of this size.

        Raises:
          ConfigError: the split is smaller than one batch.
        """
        try:
            return replace(self, config=self.config.with_length(train_examples))
        except ConfigError as error:
            raise ConfigError("reproduction.bad-length", cell=self, reason=error) from None

    def __str__(self) -> str:
        return f"{self.row.name}, {self.column.name}"


def choose_rows(table: PaperTable, names: Sequence[str]) -> list[Row]:
    """Return the named rows, or all rows that can be run.

    Raises:
      ConfigError: there is no such row, or it has published numbers only.
    """
    if not names:
        return [row for row in table.rows if row.variant is not None]
    chosen = []
    by_name = {row.name.casefold(): row for row in table.rows}
    for name in names:
        row = by_name.get(name.strip().casefold())
        if row is None:
            hint = did_you_mean(name, [row.name for row in table.rows])
            unknown = {"table": table.heading, "name": name, "hint": hint}
            raise ConfigError("reproduction.unknown-row", **unknown, key="--rows")
        if row.variant is None:
            raise ConfigError("reproduction.published-row", name=row.name, key="--rows")
        chosen.append(row)
    return chosen


def choose_columns(table: PaperTable, tasks: Sequence[str]) -> list[Column]:
    """Return the columns of these tasks (names or aliases), or all columns.

    Raises:
      ConfigError: the table has no such task.
    """
    if not tasks:
        return list(table.columns)
    wanted = [find_task(task).name for task in tasks]
    known = list(dict.fromkeys(column.task for column in table.columns))
    if missing := [task for task in wanted if task not in known]:
        unknown = {"table": table.heading, "task": missing[0], "known": ", ".join(known)}
        raise ConfigError("reproduction.unknown-task", **unknown, key="--tasks")
    return [column for column in table.columns if column.task in wanted]


def plan_cells(
    table: PaperTable, rows: Iterable[Row], columns: Iterable[Column], setting: Setting
) -> list[CellPlan]:
    """Return the cells to run, row by row.

    Args:
      table: the published table.
      rows: rows of the table that have a variant.
      columns: columns of the table.
      setting: the scale and the overrides.

    Raises:
      ConfigError: an override is not valid.
    """
    columns = list(columns)
    return [
        _plan(table, row, column, setting) for row in rows for column in columns if row.has(column)
    ]


def effective(variant: str, task: str, setting: Setting) -> RunConfig:
    """Return the base configuration of a task's search space in a setting, without the fields of a table."""
    scale: Scale = "quick" if setting.scale == "quick" else "full"
    return _configuration(variant, _space(search_space_file(task), scale), {}, setting.overrides)


def _plan(table: PaperTable, row: Row, column: Column, setting: Setting) -> CellPlan:
    fields = table.fields(row, column)
    file, variant = search_space_file(column.task), row.variant or ""
    full = space = _space(file, "full")
    if setting.scale == "quick":
        space = _space(file, "quick")
        fields = {path: value for path, value in fields.items() if not _differs(path, full, space)}
    config = _configuration(variant, space, fields, setting.overrides)
    rates = table.learning_rates(row, column)
    if any(text.partition("=")[0].strip() == RATE for text in setting.overrides):
        rates = (config.optim.learning_rate,)
    elif setting.rates:
        rates = setting.rates
    elif setting.scale == "quick" and len(rates) > 1:
        rates = tuple(factor * max(rates) for factor in QUICK_FACTORS)
    if isinstance(setting.scale, float):
        config = shortened(config, setting.scale)
    return CellPlan(row, column, config, tuple(sorted(rates)), space.tune.resources)


@functools.cache
def _space(file: Path, scale: Scale) -> SearchSpace:
    return SearchSpace.load(file, scale=scale)


def _differs(path: str, full: SearchSpace, quick: SearchSpace) -> bool:
    """Return whether the `quick` block of the space sets a field."""
    return full.base.get(path) != quick.base.get(path)


def _configuration(
    variant: str, space: SearchSpace, fields: Mapping[str, Any], overrides: Sequence[str]
) -> RunConfig:
    """Return the base of a search space, updated with a table's fields and then with overrides.

    Raises:
      ConfigError: every problem found.
    """
    flat = adapt(space.base, variant).flat
    for path, value in fields.items():
        assign(flat, path, value)
    for text in overrides:
        assign(flat, *read_override(text))
    return resolve(Heading(space.task, variant), flat, at_key)


def shortened(config: RunConfig, fraction: float) -> RunConfig:
    """Return the configuration with a fraction of its steps; schedule and reports shrink in proportion."""
    every = config.eval_every and max(1, round(config.eval_every * fraction))
    if config.steps is None:
        length = {"epochs": (config.epochs or 0.0) * fraction}
    else:
        length = {"steps": max(FEWEST_STEPS, round(config.steps * fraction))}
    return config.model_copy(update={**length, "eval_every": every})
