"""The sheet of the table of configurations: the paper's values beside those of the search spaces."""

from collections.abc import Mapping, Sequence
from typing import Any

from lru_tune.config.recipe import flat_fields
from lru_tune.paper.tables import Column, PaperTable, Row
from lru_tune.reproduction.cells import effective
from lru_tune.reproduction.latex import Block
from lru_tune.reproduction.setting import Setting
from lru_tune.reproduction.sheet import Sheet

MARK = "(*)"


def configuration_sheet(
    table: PaperTable,
    row: Row,
    columns: Sequence[Column],
    setting: Setting,
    about: Mapping[str, Any],
) -> Sheet:
    """Return for every task what the paper states, beside what `tune.py` and `lru-tune train` start from.

    Args:
      table: the published one.
      row: whose ring is shown.
      columns: the tasks.
      setting: of the reproduction; its overrides lie over both.
      about: for the JSON file.
    """
    stated = {column.name: table.fields(row, column) for column in columns}
    here_all = {
        column.name: flat_fields(effective(row.variant or "", column.task, setting))
        for column in columns
    }
    paths = list(dict.fromkeys(path for fields in stated.values() for path in fields))
    lines, records, differences = [], [], []
    for path in paths:
        cells = []
        for column in columns:
            paper, here = stated[column.name].get(path), here_all[column.name].get(path)
            same = paper == here
            cells.append(_text(paper) if same else f"{_text(paper)} / {_text(here)} {MARK}")
            if not same:
                differences.append(
                    f"{column.name}, {path}: paper {_text(paper)}, here {_text(here)}."
                )
            records.append(
                {
                    "field": path,
                    "column": column.name,
                    "task": column.task,
                    "paper": paper,
                    "here": here,
                    "same": same,
                }
            )
        lines.append([path, *cells])
    silent = [
        path
        for path in dict.fromkeys(path for fields in here_all.values() for path in fields)
        if path not in paths
    ]
    names = [column.name for column in columns]
    shared, by_task = [], []
    for path in silent:
        values = [_text(here_all[name].get(path)) for name in names]
        if len(set(values)) == 1:
            shared.append([path, values[0]])
        else:
            by_task.append([path, *values])
    blocks = (
        Block(f"As published; where {MARK}, as published / here", ["field", *names], lines),
        Block("What the paper does not print, here", ["field", *names], by_task),
        Block("The same, where all tasks agree", ["field", "here"], shared),
    )
    return Sheet(
        title=f"{table.heading}: {table.title}",
        labels=setting.labels,
        blocks=tuple(block for block in blocks if block.lines),
        notes=(
            "here: the base of the task's search space. Reproductions take the published values.",
            *(differences or ["No difference."]),
            f"Published: {table.source}.",
        ),
        records=records,
        about=dict(about),
    )


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
