"""The raw results under benchmarks/results/search_quality/, a file a setting, a row a simulated search."""

import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import report

NAME = "search_quality"
KEYS = ("method", "task", "seed")

Row = dict[str, Any]


def folder() -> Path:
    """Return the folder of the results."""
    return Path(os.environ.get(report.FOLDER) or report.RESULTS) / NAME


def setting(stress: str, workers: int, budget: float) -> str:
    """Return the name of a file, such as `plateau-20_4-workers_20`."""
    return f"{stress}_{workers}-workers_{budget:g}"


def merged(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """Return old and new rows in order, a new one in place of an old one of the same search."""
    rows = {tuple(str(row[name]) for name in KEYS): row for row in (*old, *new)}
    return list(rows.values())


def read(name: str) -> list[Row]:
    """Return the rows of a setting, none where none are kept."""
    path = folder() / f"{name}.csv"
    if not path.is_file():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def keep(name: str, rows: Sequence[Row]) -> None:
    """Write the rows of a setting beside those that are kept."""
    folder().mkdir(parents=True, exist_ok=True)
    rows = merged(read(name), rows)
    with open(folder() / f"{name}.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (folder() / "machine.json").write_text(json.dumps(report.machine(), indent=2) + "\n")
