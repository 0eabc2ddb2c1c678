"""The files of this folder as they are written: tables, and learning rates to try."""

import functools
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from lru_tune.config.schema import Strict
from lru_tune.config.yaml_io import read_yaml
from lru_tune.paper.published import Confidence

FOLDER = Path(__file__).resolve().parent

Ring = tuple[float, float]  # r_min, r_max
Fields = dict[str, Any]  # dotted field of RunConfig -> value
TableKind = Literal["accuracy", "speed", "configurations"]


class Column(Strict):
    """A column.

    Attributes:
      name: the paper's word.
      task: canonical name of the task that its cells are trained on.
      fields: what all cells of the column fix.
    """

    name: str
    task: str
    fields: Fields = Field(default_factory=dict)


class SameAs(Strict):
    """A row of another table that this one repeats."""

    table: int
    row: str


class RowEntry(Strict):
    """A row; what it leaves out is taken from the row that `same_as` names.

    Attributes:
      published: column -> number as printed (see `read_printed`), null where it is not known. Columns that
        are left out have no number either.
      rings: column -> r_min and r_max, or one pair for all columns.
      phases: column -> largest phase in radians, where it is not 2 pi.
      notes: column -> what else one has to know about its number.
    """

    name: str
    variant: str | None = None
    same_as: SameAs | None = None
    published: dict[str, str | float | None] | None = None
    rings: dict[str, Ring] | Ring | None = None
    phases: dict[str, float] | None = None
    fields: Fields = Field(default_factory=dict)
    confidence: Confidence = "verified"
    note: str = ""
    notes: dict[str, str] = Field(default_factory=dict)


class Grid(Strict):
    """Learning rates to try, ascending, and why these."""

    rates: tuple[float, ...]
    reason: str = Field(min_length=1)


class Rates(Strict):
    """Task -> learning rates to try, for each kind of recurrence."""

    dense: dict[str, Grid] = Field(default_factory=dict)
    diagonal: dict[str, Grid] = Field(default_factory=dict)


class TableFile(Strict):
    """A table.

    Attributes:
      source: citation, version and table.
      n: runs behind a number that the authors measured themselves; null where there is no such number.
      shared: fields that all tasks fix, in a file with sizes.
      rates: task -> learning rates, where they are the table's own.
    """

    title: str
    source: str
    kind: TableKind
    n: int | None = None
    columns: tuple[Column, ...]
    rows: tuple[RowEntry, ...]
    shared: Fields = Field(default_factory=dict)
    rates: dict[str, Grid] = Field(default_factory=dict)


@functools.cache
def read_table(file: str) -> TableFile:
    """Read a table's file of this folder."""
    return TableFile.model_validate(read_yaml(FOLDER / file).content)


@functools.cache
def read_rates() -> Rates:
    """Read the learning rates that are tried for the LRU paper's tables."""
    return Rates.model_validate(read_yaml(FOLDER / "learning_rates.yaml").content)
