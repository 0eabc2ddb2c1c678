"""The table of configurations: the paper's values beside those of the search spaces."""

from collections.abc import Mapping, Sequence
from typing import Any

from lru_tune.config.resolve import flat_fields
from lru_tune.paper.tables import Column, PaperTable, Row
from lru_tune.reproduction.cells import effective
from lru_tune.reproduction.scale import Setting
from lru_tune.reproduction.tables.latex import Block
from lru_tune.reproduction.tables.result_table import ResultTable

MARK = "(*)"
ByColumn = Mapping[str, Mapping[str, Any]]  # column -> dotted field -> value


def configuration_table(
    table: PaperTable,
    row: Row,
    columns: Sequence[Column],
    setting: Setting,
    about: Mapping[str, Any],
) -> ResultTable:
    """Return the paper's configuration of every task beside the base of its search space.

    Args:
      table: the published table.
      row: the row whose ring is shown.
      columns: the tasks.
      setting: of the reproduction; its overrides apply to both sides.
      about: further entries of the JSON file.
    """
    paper = {column.name: table.fields(row, column) for column in columns}
    here = {
        column.name: flat_fields(effective(row.variant or "", column.task, setting))
        for column in columns
    }
    stated, names = _paths(paper), [column.name for column in columns]
    records = [_record(path, column, paper, here) for path in stated for column in columns]
    differences = [
        f"{r['column']}, {r['field']}: paper {_text(r['paper'])}, here {_text(r['here'])}."
        for r in records
        if not r["same"]
    ]
    shared, by_task = _unstated(here, [path for path in _paths(here) if path not in stated])
    blocks = (
        Block(
            f"As published; where {MARK}, as published / here", ["field", *names], _lines(records)
        ),
        Block("Fields that the paper does not state", ["field", *names], by_task),
        Block("The same, for fields in which all tasks agree", ["field", "here"], shared),
    )
    return ResultTable(
        title=f"{table.heading}: {table.title}",
        labels=setting.labels,
        blocks=tuple(block for block in blocks if block.lines),
        notes=(
            "here: the base of the task's search space. Reproductions use the published values.",
            *(differences or ["No difference."]),
            f"Published: {table.source}.",
        ),
        records=records,
        about=dict(about),
    )


def _paths(configurations: ByColumn) -> list[str]:
    """Return the fields of all columns in order of appearance."""
    return list(dict.fromkeys(path for fields in configurations.values() for path in fields))


def _record(path: str, column: Column, paper: ByColumn, here: ByColumn) -> dict[str, Any]:
    """Return one field of one column, as published and here."""
    published, ours = paper[column.name].get(path), here[column.name].get(path)
    return {
        "field": path,
        "column": column.name,
        "task": column.task,
        "paper": published,
        "here": ours,
        "same": published == ours,
    }


def _lines(records: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return one line for each field, with one cell for each column."""
    lines: dict[str, list[str]] = {}
    for record in records:
        published, ours = _text(record["paper"]), _text(record["here"])
        cell = published if record["same"] else f"{published} / {ours} {MARK}"
        lines.setdefault(record["field"], [record["field"]]).append(cell)
    return list(lines.values())


def _unstated(here: ByColumn, paths: Sequence[str]) -> tuple[list[list[str]], list[list[str]]]:
    """Return the lines of the fields in which all columns agree, then of the others."""
    shared, by_task = [], []
    for path in paths:
        values = [_text(fields.get(path)) for fields in here.values()]
        if len(set(values)) == 1:
            shared.append([path, values[0]])
        else:
            by_task.append([path, *values])
    return shared, by_task


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
