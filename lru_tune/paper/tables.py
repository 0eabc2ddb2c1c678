"""The tables of Orvieto et al. 2023 (arXiv 2303.06349v1): published numbers, and how to run each cell."""

import functools
import math
from typing import Literal

from pydantic import Field

from lru_tune.config.schema import Strict
from lru_tune.config.variants import VARIANTS
from lru_tune.errors import ConfigError
from lru_tune.paper.entries import (
    Column,
    Fields,
    Rates,
    Ring,
    RowEntry,
    SameAs,
    TableFile,
    TableKind,
    read_rates,
    read_table,
)
from lru_tune.paper.published import Published, read_printed

__all__ = [
    "TABLES",
    "Column",
    "PaperTable",
    "Published",
    "Row",
    "find_table",
    "load_online",
    "load_table",
]

TABLES: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 9)
ONLINE = "online"  # the one table of another paper
SIZES = "table9.yaml"  # sizes, batch sizes and lengths of all cells of the paper
WHOLE_CIRCLE = math.tau  # default of the largest phase, in radians

Kind = Literal["dense", "diagonal"]  # of recurrence
_RECURRENCE = "model.recurrence."


class Row(Strict):
    """A row.

    Attributes:
      name: as in the paper.
      variant: its recurrence; None for a row that is only shown as published.
      cells: column -> what was published; None where the table has a cell but no number to compare with.
      rings: column -> moduli of the eigenvalues at initialisation.
      phases: column -> largest phase of the eigenvalues at initialisation, in radians; 2 pi elsewhere.
      fields: what all cells of the row fix.
      note: a remark, or "".
    """

    name: str
    variant: str | None
    cells: dict[str, Published | None]
    rings: dict[str, Ring] = Field(default_factory=dict)
    phases: dict[str, float] = Field(default_factory=dict)
    fields: Fields = Field(default_factory=dict)
    note: str = ""

    def has(self, column: Column) -> bool:
        """Return whether the row has a cell in a column."""
        return column.name in self.cells


class PaperTable(Strict):
    """A published table.

    Attributes:
      name: of its files and folders.
      number: in its paper.
      title: what it shows.
      source: citation, version and table.
      kind: `accuracy` in percent on test, `speed` in optimiser steps a second, or `configurations`.
      sizes: task -> what all cells of the task fix.
      rates: kind of recurrence -> task -> learning rates.
    """

    name: str
    number: int
    title: str
    source: str
    kind: TableKind
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    sizes: dict[str, Fields]
    rates: dict[Kind, dict[str, tuple[float, ...]]]

    @property
    def heading(self) -> str:
        """The name of the table in reports, such as `Table 1`."""
        paper = "" if self.name != ONLINE else f" of {self.source.partition(',')[0]}"
        return f"Table {self.number}{paper}"

    def fields(self, row: Row, column: Column) -> Fields:
        """Return the dotted fields of RunConfig that a cell fixes, without variant and learning rate.

        They are laid over the task's search space: sizes, length and optimiser by Table 9, blocks by the
        paper's appendix D.1, ring and phase by Table 8 (by its columns in Table 5).

        Raises:
          ConfigError: the row is only shown as published.
        """
        found = dict(self.sizes[column.task])
        if kind_of(row) == "diagonal":
            if column.name in row.rings:
                r_min, r_max = row.rings[column.name]
                found |= {_RECURRENCE + "r_min": r_min, _RECURRENCE + "r_max": r_max}
            found[_RECURRENCE + "max_phase"] = row.phases.get(column.name, WHOLE_CIRCLE)
        return found | column.fields | row.fields

    def learning_rates(self, row: Row, column: Column) -> tuple[float, ...]:
        """Return the learning rates to try on validation first, ascending.

        A single rate needs no trial; with an empty tuple the rate of the task's search space is used.

        Raises:
          ConfigError: the row is only shown as published.
        """
        return self.rates[kind_of(row)].get(column.task, ())

    def published(self, row: Row, column: Column) -> Published | None:
        """Return the published number of a cell, None where there is none."""
        return row.cells.get(column.name)


def kind_of(row: Row) -> Kind:
    """Return the kind of a row's recurrence; raise ConfigError where the row cannot be run."""
    if row.variant is None:
        raise ConfigError("paper.row-not-run", row=row.name)
    kind: Kind = VARIANTS[row.variant]["kind"]
    return kind


def find_table(name: str) -> PaperTable:
    """Return the table with this name, `1` to `9` or `online`.

    Raises:
      ConfigError: there is no such table.
    """
    if name == ONLINE:
        return load_online()
    if not name.isdecimal():
        raise ConfigError("paper.unknown-table", table=name)
    return load_table(int(name))


@functools.cache
def load_table(number: int) -> PaperTable:
    """Return a table of the LRU paper.

    Raises:
      ConfigError: the paper has no such table.
    """
    if number not in TABLES:
        raise ConfigError("paper.unknown-table", table=number)
    return _table(
        f"table{number}", number, read_table(_file(number)), read_table(SIZES), read_rates()
    )


@functools.cache
def load_online() -> PaperTable:
    """Return the copy task of Zucchet et al. 2023 (arXiv 2305.15947, Table 1); its numbers are not known."""
    file = read_table(f"{ONLINE}.yaml")
    return _table(ONLINE, 1, file, file, Rates(diagonal=file.rates))


def _file(number: int) -> str:
    return f"table{number}.yaml"


def _table(name: str, number: int, file: TableFile, sizes: TableFile, rates: Rates) -> PaperTable:
    return PaperTable(
        name=name,
        number=number,
        title=file.title,
        source=file.source,
        kind=file.kind,
        rows=tuple(_row(file, entry) for entry in file.rows),
        columns=file.columns,
        sizes={column.task: {**sizes.shared, **column.fields} for column in sizes.columns},
        rates={
            "dense": {task: grid.rates for task, grid in rates.dense.items()},
            "diagonal": {task: grid.rates for task, grid in rates.diagonal.items()},
        },
    )


def _row(file: TableFile, entry: RowEntry) -> Row:
    names = [column.name for column in file.columns]
    same = _find_row(entry.same_as) if entry.same_as else Row(name="", variant=None, cells={})
    rings = same.rings if entry.rings is None else entry.rings
    if isinstance(rings, tuple):
        rings = dict.fromkeys(names, rings)
    phases = same.phases if entry.phases is None else entry.phases
    cells = same.cells
    if entry.published is not None:
        cells = {name: _cell(file, entry, name) for name in names}
    return Row(
        name=entry.name,
        variant=entry.variant or same.variant,
        cells={name: cells[name] for name in names},
        rings={name: rings[name] for name in names if name in rings},
        phases={name: phases[name] for name in names if name in phases},
        fields=entry.fields,
        note=entry.note or same.note,
    )


def _find_row(wanted: SameAs) -> Row:
    # Not by load_table: two tables may take rows from each other.
    file = read_table(_file(wanted.table))
    (found,) = (entry for entry in file.rows if entry.name == wanted.row)
    return _row(file, found)


def _cell(file: TableFile, entry: RowEntry, column: str) -> Published | None:
    printed = (entry.published or {}).get(column)
    if printed is None:
        return None
    return Published(
        **read_printed(printed),
        n=file.n if entry.confidence == "verified" else None,
        source=f"{file.source}, row {entry.name}",
        confidence=entry.confidence,
        note=entry.notes.get(column, ""),
    )
