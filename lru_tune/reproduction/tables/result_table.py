"""A reproduced table, printed on the terminal and written as Markdown, LaTeX, CSV and JSON.

Every form contains the labels: the reasons why its numbers cannot be compared with the paper's.
"""

import csv
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lru_tune.files.atomic import write_atomically
from lru_tune.files.experiment_folder import REPRODUCTION_FILE
from lru_tune.formatting import markdown_table
from lru_tune.reproduction.tables.latex import Block, document

FORMAT_VERSION = 1
NO_VERDICT = "Not comparable with the published numbers: no verdict."
COMPARABLE = "comparable"
WIDTH = 160  # characters, if the output is not a terminal


@dataclass(frozen=True)
class ResultTable:
    """A reproduced table.

    Attributes:
      title: one line.
      labels: why the numbers cannot be compared with the paper's; empty if they can.
      blocks: the tables that people read.
      notes: sentences below the blocks.
      records: for programs, one flat mapping for each cell, all with the same keys.
      about: further entries of the JSON file.
    """

    title: str
    labels: tuple[str, ...]
    blocks: tuple[Block, ...]
    notes: tuple[str, ...]
    records: list[dict[str, Any]]
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def warning(self) -> str:
        """The labels as one text, "" where there are none."""
        return ". ".join([*self.labels, NO_VERDICT]) if self.labels else ""


def write_table(result: ResultTable, folder: Path) -> None:
    """Write table.md, table.csv, table.tex and reproduction.json, each under a temporary name first."""
    write_atomically(folder / "table.md", as_markdown(result))
    write_atomically(folder / "table.csv", as_csv(result))
    write_atomically(folder / "table.tex", document(result.title, result.warning, result.blocks))
    write_atomically(folder / REPRODUCTION_FILE, as_json(result))


def as_markdown(result: ResultTable) -> str:
    """Return the table as Markdown."""
    lines = [f"# {result.title}", ""]
    if result.warning:
        lines += [f"**{result.warning}**", ""]
    for block in result.blocks:
        lines += [f"## {block.heading}", "", *markdown_table(block.header, block.lines), ""]
    lines += [f"- {note}" for note in result.notes]
    return "\n".join(lines).rstrip() + "\n"


def as_csv(result: ResultTable) -> str:
    """Return the records as CSV.

    The last column, `label`, holds the labels and the `remark` of the record, or `comparable` without any.
    """
    text = io.StringIO()
    names = [*result.records[0], "label"] if result.records else ["label"]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for record in result.records:
        label = "; ".join(filter(None, [*result.labels, record.get("remark")])) or COMPARABLE
        writer.writerow({key: _flat(value) for key, value in record.items()} | {"label": label})
    return text.getvalue()


def as_json(result: ResultTable) -> str:
    """Return title, labels, the entries of `about` and the records as JSON."""
    content = {
        "format_version": FORMAT_VERSION,
        "title": result.title,
        "labels": result.labels,
        "comparable": not result.labels,
        **result.about,
        "cells": result.records,
        "notes": result.notes,
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def print_table(result: ResultTable) -> None:
    """Print the table on stderr."""
    console = Console(stderr=True)
    if not console.is_terminal:
        console = Console(stderr=True, width=WIDTH)
    console.print(Text(result.title, style="bold"))
    if result.warning:
        console.print(Text(result.warning, style="bold yellow"))
    for block in result.blocks:
        table = Table(title=block.heading, title_justify="left", box=box.SIMPLE_HEAD)
        for name in block.header:
            table.add_column(Text(name), overflow="fold")
        for line in block.lines:
            table.add_row(*(Text(cell) for cell in line))
        console.print(table)
    for note in result.notes:
        console.print(Text(f"- {note}"))


def _flat(value: Any) -> Any:
    """Return a value as one CSV cell; the items of a list are separated by spaces."""
    if isinstance(value, list | tuple):
        return " ".join(str(item) for item in value)
    return value
