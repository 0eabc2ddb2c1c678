"""A table that came out, in four forms: for the terminal, for Markdown, LaTeX and CSV, and as JSON.

What keeps the numbers from being comparable with the paper's, its labels, stands in every one of them.
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
from lru_tune.reproduction.sheets.latex import Block, document

FORMAT_VERSION = 1
NO_VERDICT = "Not comparable with the published numbers: no verdict."
COMPARABLE = "comparable"
WIDTH = 160  # characters, where no terminal says how many fit


@dataclass(frozen=True)
class Sheet:
    """What came out of a table.

    Attributes:
      title: one line.
      labels: why nothing may be compared with the paper; empty where it may.
      blocks: for people.
      notes: below the blocks.
      records: for programs, one flat mapping a cell; the same keys in each.
      about: what else the JSON file says.
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


def write_sheet(sheet: Sheet, folder: Path) -> None:
    """Write table.md, table.csv, table.tex and reproduction.json, each under a temporary name first."""
    write_atomically(folder / "table.md", as_markdown(sheet))
    write_atomically(folder / "table.csv", as_csv(sheet))
    write_atomically(folder / "table.tex", document(sheet.title, sheet.warning, sheet.blocks))
    write_atomically(folder / REPRODUCTION_FILE, as_json(sheet))


def as_markdown(sheet: Sheet) -> str:
    """Return the sheet as Markdown."""
    lines = [f"# {sheet.title}", ""]
    if sheet.warning:
        lines += [f"**{sheet.warning}**", ""]
    for block in sheet.blocks:
        rows = [block.header, ["---"] * len(block.header), *block.lines]
        lines += [f"## {block.heading}", ""]
        lines += [
            f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows
        ]
        lines.append("")
    lines += [f"- {note}" for note in sheet.notes]
    return "\n".join(lines).rstrip() + "\n"


def as_csv(sheet: Sheet) -> str:
    """Return the records; the last column has what forbids to compare a line, or `comparable`.

    That is the sheet's labels and the record's own `remark`.
    """
    text = io.StringIO()
    names = [*sheet.records[0], "label"] if sheet.records else ["label"]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for record in sheet.records:
        label = "; ".join(filter(None, [*sheet.labels, record.get("remark")])) or COMPARABLE
        writer.writerow({key: _flat(value) for key, value in record.items()} | {"label": label})
    return text.getvalue()


def as_json(sheet: Sheet) -> str:
    """Return title, labels, what `about` holds and the records."""
    content = {
        "format_version": FORMAT_VERSION,
        "title": sheet.title,
        "labels": sheet.labels,
        "comparable": not sheet.labels,
        **sheet.about,
        "cells": sheet.records,
        "notes": sheet.notes,
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def show(sheet: Sheet) -> None:
    """Print the sheet on stderr."""
    console = Console(stderr=True)
    if not console.is_terminal:
        console = Console(stderr=True, width=WIDTH)
    console.print(Text(sheet.title, style="bold"))
    if sheet.warning:
        console.print(Text(sheet.warning, style="bold yellow"))
    for block in sheet.blocks:
        table = Table(title=block.heading, title_justify="left", box=box.SIMPLE_HEAD)
        for name in block.header:
            table.add_column(Text(name), overflow="fold")
        for line in block.lines:
            table.add_row(*(Text(cell) for cell in line))
        console.print(table)
    for note in sheet.notes:
        console.print(Text(f"- {note}"))


def _flat(value: Any) -> Any:
    """Return what a cell of a CSV file can hold: numbers of a list are set apart by spaces."""
    if isinstance(value, list | tuple):
        return " ".join(str(item) for item in value)
    return value
