"""Reads reproductions into frames: their runs, and the cells of their tables."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from lru_tune.errors import ConfigError
from lru_tune.files.experiment_folder import REPRODUCTION_FILE, REPRODUCTIONS_FOLDER, RUNS_FOLDER
from lru_tune.results.reading.frame import TRIAL, Paths, as_paths, folders, load_runs

TABLE, ROW, COLUMN = "table", "row", "column"
CELLS, RUNS = "cells", "runs"

# Name -> dtype of the columns of a frame of cells, in order. Accuracies in percent, differences in points.
CELL_COLUMNS = {
    TABLE: "str",
    ROW: "str",
    COLUMN: "str",
    "task": "str",
    "variant": "str",
    "published": "float64",
    "published_standard_error": "float64",
    "published_n": "Int64",
    "published_at_chance": "boolean",
    "ours": "float64",
    "ours_low": "float64",
    "ours_high": "float64",
    "n": "Int64",
    "learned": "float64",
    "diverged": "Int64",
    "failed": "Int64",
    "waiting": "Int64",
    "steps": "Int64",
    "learning_rate": "float64",
    "difference": "float64",
    "difference_low": "float64",
    "difference_high": "float64",
    "margin": "float64",
    "verdict": "str",
    "needs_seeds": "Int64",
    "device": "str",
    "comparable": "boolean",
    "labels": "str",
    RUNS: "object",
}


def reproductions(paths: Paths) -> pd.DataFrame:
    """Return one row for each run of reproductions, as `load_runs`, with the table cells that use it.

    Args:
      paths: folders of reproductions, or runs roots that contain one.

    Returns:
      The columns of `load_runs`, then `cells`: "table1: LRU / ListOps", several separated by "; ". NA for
      runs that no table uses, such as those of a learning-rate search, and if the table was written by a
      version that did not record its runs.

    Raises:
      ConfigError: a folder does not exist or contains no reproductions.
    """
    parts = []
    for root in map(_root_of, as_paths(paths)):
        frame = load_runs(root / RUNS_FOLDER)
        named = _cells_by_run(cells(root))
        parts.append(frame.assign(**{CELLS: frame[TRIAL].map(named).astype("str")}))
    return pd.concat(parts, ignore_index=True)


def cells(paths: Paths) -> pd.DataFrame:
    """Return one row for each cell of every table of accuracies under the given folders.

    Args:
      paths: folders of reproductions, runs roots that contain one, or folders of single tables.

    Returns:
      Columns CELL_COLUMNS: `table` is the folder's name, such as `table1-quick`; `runs` contains lists of
      run names. Missing values are NA.

    Raises:
      ConfigError: a folder does not exist or contains no reproductions, or a table's file is damaged.
    """
    rows = [
        row for path in as_paths(paths) for file in _table_files(path) for row in _cell_rows(file)
    ]
    return pd.DataFrame(
        {
            name: pd.Series([row.get(name) for row in rows], dtype=dtype)
            for name, dtype in CELL_COLUMNS.items()
        }
    )


def _root_of(path: Path) -> Path:
    for root in (path, path / REPRODUCTIONS_FOLDER):
        if (root / RUNS_FOLDER).is_dir() and (
            root.name == REPRODUCTIONS_FOLDER or list(root.glob(f"*/{REPRODUCTION_FILE}"))
        ):
            return root
    raise ConfigError("results.no-reproductions", path=path, folder=REPRODUCTIONS_FOLDER)


def _table_files(path: Path) -> list[Path]:
    if (path / REPRODUCTION_FILE).is_file():
        return [path / REPRODUCTION_FILE]
    return [
        file for folder in folders(_root_of(path)) if (file := folder / REPRODUCTION_FILE).is_file()
    ]


def _cell_rows(file: Path) -> Iterator[dict[str, Any]]:
    try:
        content = json.loads(file.read_text())
        found = content["cells"]
    except (json.JSONDecodeError, KeyError) as error:
        raise ConfigError("results.damaged-table", reason=repr(error), file=str(file)) from error
    for cell in found:
        if "ours" in cell and ROW in cell:  # tables of speed and of configurations have none
            about = {
                TABLE: file.parent.name,
                "comparable": content["comparable"],
                "labels": "; ".join(content["labels"]),
            }
            yield cell | about


def _cells_by_run(frame: pd.DataFrame) -> dict[str, str]:
    places: dict[str, list[str]] = {}
    for _, cell in frame.iterrows():
        for run in cell[RUNS] or []:
            places.setdefault(run, []).append(f"{cell[TABLE]}: {cell[ROW]} / {cell[COLUMN]}")
    return {run: "; ".join(sorted(where)) for run, where in places.items()}
