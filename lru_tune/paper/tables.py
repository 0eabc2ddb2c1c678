"""The tables of Orvieto et al. 2023 (arXiv 2303.06349v1): what was published, and how each cell is run."""

import functools
import math
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from lru_tune.config.reading import read_yaml
from lru_tune.config.schema import Strict
from lru_tune.config.variants import VARIANTS
from lru_tune.errors import ConfigError
from lru_tune.paper.published import Confidence, Published, read_printed

TABLES: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 9)
CONFIGURATIONS = 9  # the table of sizes, batch sizes and lengths, which all others are run with

FOLDER = Path(__file__).resolve().parent
WHOLE_CIRCLE = math.tau  # largest phase, in radians, wherever a row says nothing else
_RECURRENCE = "model.recurrence."

Ring = tuple[float, float]  # r_min, r_max
Fields = dict[str, Any]  # dotted field of RunConfig -> value


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


class Row(Strict):
    """A row.

    Attributes:
      name: the paper's word.
      variant: the recurrence it is run with; None for a row that is shown as published.
      cells: column -> what was published; None where the table has a cell but no number to compare with.
      rings: column -> moduli of the eigenvalues at initialisation.
      phases: column -> largest phase of the eigenvalues at initialisation, in radians; 2 pi elsewhere.
      note: what else one has to know; mostly "".
    """

    name: str
    variant: str | None
    cells: dict[str, Published | None]
    rings: dict[str, Ring] = Field(default_factory=dict)
    phases: dict[str, float] = Field(default_factory=dict)
    note: str = ""

    def has(self, column: Column) -> bool:
        """Return whether the row has a cell in a column."""
        return column.name in self.cells


class PaperTable(Strict):
    """A published table.

    Attributes:
      number: in the paper.
      title: what it shows.
      source: citation, version and table.
      kind: `accuracy` in percent on test, `speed` in optimiser steps a second, or `configurations`.
      shared: fields of RunConfig that all cells fix.
    """

    number: int
    title: str
    source: str
    kind: Literal["accuracy", "speed", "configurations"]
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    shared: Fields = Field(default_factory=dict)

    def fields(self, row: Row, column: Column) -> Fields:
        """Return the dotted fields of RunConfig that a cell fixes, without variant and learning rate.

        They are laid over the task's search space: sizes, length and optimiser by Table 9, blocks by the
        paper's appendix D.1, ring and phase by Table 8 (by its columns in Table 5).

        Raises:
          ConfigError: the row is shown as published only.
        """
        sizes = load_table(CONFIGURATIONS)
        of_task = next(c.fields for c in sizes.columns if c.task == column.task)
        found = {**sizes.shared, **of_task}
        if kind_of(row) == "diagonal":
            if row.has(column) and column.name in row.rings:
                r_min, r_max = row.rings[column.name]
                found |= {_RECURRENCE + "r_min": r_min, _RECURRENCE + "r_max": r_max}
            found[_RECURRENCE + "max_phase"] = row.phases.get(column.name, WHOLE_CIRCLE)
        return found | column.fields

    def learning_rates(self, row: Row, column: Column) -> tuple[float, ...]:
        """Return the rates that are tried on validation first, ascending; a single one is published.

        Raises:
          ConfigError: the row is shown as published only.
        """
        return _rates()[kind_of(row)][column.task]

    def published(self, row: Row, column: Column) -> Published | None:
        """Return the number of a cell, None where there is none to compare with."""
        return row.cells.get(column.name)


def kind_of(row: Row) -> Literal["dense", "diagonal"]:
    """Return which kind of recurrence a row is run with; raise ConfigError where it cannot be run."""
    if row.variant is None:
        raise ConfigError(f"row {row.name!r} is shown as published; it cannot be run here")
    kind: Literal["dense", "diagonal"] = VARIANTS[row.variant]["kind"]
    return kind


@functools.cache
def load_table(number: int) -> PaperTable:
    """Return a table of the paper.

    Raises:
      ConfigError: the paper has no such table.
    """
    if number not in TABLES:
        raise ConfigError(f"the paper has no table {number}; it has {TABLES[0]} to {TABLES[-1]}")
    written = _written(number)
    return PaperTable(
        number=number,
        title=written.title,
        source=written.source,
        kind=written.kind,
        rows=tuple(_row(written, row) for row in written.rows),
        columns=written.columns,
        shared=written.shared,
    )


class _SameAs(Strict):
    table: int
    row: str


class _WrittenRow(Strict):
    """A row as its file has it; what `same_as` names is filled in where nothing is written here."""

    name: str
    variant: str | None = None
    same_as: _SameAs | None = None
    published: dict[str, str | float] | None = None
    rings: dict[str, Ring] | Ring | None = None
    phases: dict[str, float] | None = None
    confidence: Confidence = "verified"
    note: str = ""
    notes: dict[str, str] = Field(default_factory=dict)


class _WrittenTable(Strict):
    """A file of this folder."""

    title: str
    source: str
    kind: Literal["accuracy", "speed", "configurations"]
    n: int | None = None  # runs behind a number that the paper measured itself
    columns: tuple[Column, ...]
    rows: tuple[_WrittenRow, ...]
    shared: Fields = Field(default_factory=dict)


@functools.cache
def _written(number: int) -> _WrittenTable:
    return _WrittenTable.model_validate(read_yaml(FOLDER / f"table{number}.yaml").content)


def _row(table: _WrittenTable, written: _WrittenRow) -> Row:
    names = [column.name for column in table.columns]
    same = _find_row(written.same_as) if written.same_as else None
    rings = written.rings
    if rings is None:
        rings = same.rings if same else {}
    elif isinstance(rings, tuple):
        rings = dict.fromkeys(names, rings)
    phases = written.phases if written.phases is not None else same.phases if same else {}
    cells: dict[str, Published | None]
    if written.published is not None:
        cells = {name: _cell(table, written, name) for name in names}
    elif same is not None:
        cells = {name: same.cells[name] for name in names}
    else:
        cells = dict.fromkeys(names)
    return Row(
        name=written.name,
        variant=written.variant or (same.variant if same else None),
        cells=cells,
        rings={name: ring for name, ring in rings.items() if name in cells},
        phases={name: phase for name, phase in phases.items() if name in cells},
        note=written.note or (same.note if same else ""),
    )


def _find_row(wanted: _SameAs) -> Row:
    # Not by load_table: two tables may take rows from each other.
    table = _written(wanted.table)
    (found,) = (row for row in table.rows if row.name == wanted.row)
    return _row(table, found)


def _cell(table: _WrittenTable, row: _WrittenRow, column: str) -> Published | None:
    printed = (row.published or {}).get(column)
    if printed is None:
        return None
    return Published(
        **read_printed(printed),
        n=table.n if row.confidence == "verified" else None,
        source=f"{table.source}, row {row.name}",
        confidence=row.confidence,
        note=row.notes.get(column, ""),
    )


class _WrittenRates(Strict):
    rates: tuple[float, ...]
    reason: str


@functools.cache
def _rates() -> dict[str, dict[str, tuple[float, ...]]]:
    content = read_yaml(FOLDER / "learning_rates.yaml").content
    return {
        kind: {task: _WrittenRates.model_validate(entry).rates for task, entry in tasks.items()}
        for kind, tasks in content.items()
    }
