"""The table of speeds: optimiser steps per second on this machine beside the published ones."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lru_tune.errors import ConfigError
from lru_tune.files.experiment_folder import REPRODUCTION_FILE
from lru_tune.paper.tables import PaperTable
from lru_tune.reproduction.cells import CellPlan
from lru_tune.reproduction.scale import Setting
from lru_tune.reproduction.tables.latex import Block
from lru_tune.reproduction.tables.result_table import FORMAT_VERSION, ResultTable
from lru_tune.training.speed import Speed

HEADER = ("row", "task", "batch", "published, A100", "here", "here / published", "device")
NOT_MEASURED = "not measured"

Records = dict[tuple[str, str], dict[str, Any]]  # row and column -> record


def speed_record(table: PaperTable, cell: CellPlan, speed: Speed) -> dict[str, Any]:
    """Return the measurement of a cell as one flat mapping."""
    published = table.published(cell.row, cell.column)
    return {
        **_place(cell),
        "published": published.mean if published else None,
        "steps_per_second": speed.steps_per_second,
        "compile_seconds": speed.compile_seconds,
        "memory_bytes": speed.memory,
        "device": speed.device,
        "problem": speed.problem,
    }


def read_speeds(folder: Path, cells: Sequence[CellPlan]) -> Records:
    """Return the records of an earlier call whose configurations equal those of these cells.

    Raises:
      ConfigError: their file cannot be read.
    """
    file = folder / REPRODUCTION_FILE
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_text())
    except ValueError as error:
        raise ConfigError("files.not-json", reason=error, file=str(file)) from error
    if content.get("format_version") != FORMAT_VERSION:
        return {}
    wanted = {(c.row.name, c.column.name): c.config.fingerprint() for c in cells}
    records = {(record["row"], record["column"]): record for record in content["cells"]}
    return {
        place: record
        for place, record in records.items()
        if wanted.get(place) == record["config_hash"]
    }


def speed_table(
    table: PaperTable,
    cells: Sequence[CellPlan],
    found: Records,
    setting: Setting,
    about: Mapping[str, Any],
) -> ResultTable:
    """Return the table of some cells.

    Args:
      table: the published table.
      cells: the cells to show, measured or not.
      found: the measurements.
      setting: "quick" measures small models.
      about: further entries of the JSON file.
    """
    shown = [(cell, found.get((cell.row.name, cell.column.name))) for cell in cells]
    names = list(dict.fromkeys(column.column.name for column in cells))
    blocks = [
        Block("Cells", HEADER, [_line(table, c, record, setting) for c, record in shown]),
        Block("Published, A100", ["", *names], _published(table, names)),
    ]
    measured = [record for _, record in shown if record]
    problems = [f"{r['row']}, {r['column']}: {r['problem']}." for r in measured if r["problem"]]
    return ResultTable(
        title=f"{table.heading}, measured here: {table.title}",
        labels=setting.labels,
        blocks=tuple(blocks),
        notes=(
            "Optimiser steps per second on random examples of the maximum training length, without "
            "evaluation: the median of three measurements. Speeds get no verdict.",
            *_ratios(shown, setting),
            *problems,
            f"Published: {table.source}.",
        ),
        records=measured,
        about=dict(about),
    )


def _place(cell: CellPlan) -> dict[str, Any]:
    config = cell.config
    return {
        "row": cell.row.name,
        "column": cell.column.name,
        "task": config.task,
        "variant": config.variant,
        "batch_size": config.data.batch_size,
        "config_hash": config.fingerprint(),
    }


def _line(
    table: PaperTable, cell: CellPlan, record: dict[str, Any] | None, setting: Setting
) -> list[str]:
    published = table.published(cell.row, cell.column)
    here = record["steps_per_second"] if record else None
    ratio = None
    if here and published and published.mean and not setting.labels:
        ratio = here / published.mean
    return [
        cell.row.name,
        cell.column.name,
        str(cell.config.data.batch_size),
        "-" if published is None else str(published),
        f"{here:.3g}" if here else _missing(record),
        "-" if ratio is None else f"{ratio:.3g}",
        record["device"] if record and record["device"] else "-",
    ]


def _missing(record: dict[str, Any] | None) -> str:
    return f"{NOT_MEASURED}: {record['problem']}" if record else NOT_MEASURED


def _published(table: PaperTable, names: Sequence[str]) -> list[list[str]]:
    return [
        [row.name, *(str(row.cells[name]) if row.cells.get(name) else "-" for name in names)]
        for row in table.rows
    ]


def _ratios(shown: Sequence[tuple[CellPlan, dict[str, Any] | None]], setting: Setting) -> list[str]:
    """Return a line for each row and task that compares its speed with the first row's on the same device.

    At the published sizes the line also gives the published ratio.
    """
    first = shown[0][0].row.name if shown else ""
    speeds: dict[str, dict[str, dict[str, Any]]] = {}
    for cell, record in shown:
        if record and record["steps_per_second"]:
            speeds.setdefault(cell.column.name, {})[cell.row.name] = record
    lines = []
    for column, rows in speeds.items():
        for row, record in rows.items():
            if row == first or rows.get(first, {}).get("device") != record["device"]:
                continue
            here = record["steps_per_second"] / rows[first]["steps_per_second"]
            line = f"{column}: {row} is {here:.1f} times as fast as {first}"
            if not setting.labels:
                line += f"; published {record['published'] / rows[first]['published']:.1f}"
            lines.append(f"{line}.")
    return lines
