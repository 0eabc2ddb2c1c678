"""Run directories as tables: one row for each run, or one row for each report.

Reads only the files that `lru_tune.files.run_directory` describes, so a search, a single training and a
copied folder are read alike. Every run has a row, also one that failed or never reported.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from lru_tune.config.dotted import flatten
from lru_tune.errors import ConfigError
from lru_tune.files import run_directory as runs
from lru_tune.files.experiment_folder import (
    CONFIRM_FOLDER,
    EXPERIMENT_FILE,
    TRIALS_FOLDER,
    activity,
    working_folder,
)

EXPERIMENT = "experiment"
TRIAL = "trial"
STATUS = "status"
STEPS = "steps"
HORIZON = "horizon"
BEST_STEP = "best_step"
SEED = "seed"
ERROR = "error"
PATH = "path"
CONFIG_PREFIX = "config/"

# Name -> dtype of the columns of every frame of runs, in order; the config/* columns follow, sorted.
RUN_COLUMNS = {
    TRIAL: "str",
    STATUS: "str",
    STEPS: "Int64",
    HORIZON: "Int64",
    BEST_STEP: "Int64",
    runs.VAL_ACCURACY: "float64",
    runs.VAL_LOSS: "float64",
    runs.TEST_ACCURACY: "float64",
    runs.TEST_LOSS: "float64",
    runs.SECONDS: "float64",
    runs.DEVICE_SECONDS: "float64",
    **dict.fromkeys(runs.PARTS_OF_SECONDS, "float64"),
    SEED: "Int64",
    EXPERIMENT: "str",
    ERROR: "str",
    PATH: "str",
}

Paths = str | Path | Iterable[str | Path]


def load_runs(paths: Paths) -> pd.DataFrame:
    """Return one row for each run under the given folders, sorted by experiment and trial.

    A folder may be a run, an experiment (its `trials/`), its `trials/` or `confirm/`, or a folder of
    runs or experiments. Runs without result.json are `running` while a process works on their experiment
    (`lru_tune.files.experiment_folder.activity`), `interrupted` otherwise. Values of runs without a result
    are those of the best report so far. Can be called while runs are
    written.

    Returns:
      Columns RUN_COLUMNS, then `config/<dotted.path>` for each field; missing values are NA.

    Raises:
      ConfigError: a folder does not exist or holds no runs.
    """
    activity_of = cache(activity)  # one look for each experiment
    rows = [_run_row(run, activity_of) for path in as_paths(paths) for run in find_runs(path)]
    config_columns = sorted(
        {name for row in rows for name in row if name.startswith(CONFIG_PREFIX)}
    )
    columns = {
        name: pd.Series([row.get(name) for row in rows], dtype=dtype)
        for name, dtype in RUN_COLUMNS.items()
    } | {name: _typed([row.get(name) for row in rows]) for name in config_columns}
    return pd.DataFrame(columns).sort_values([EXPERIMENT, TRIAL], ignore_index=True)


def history(paths: Paths) -> pd.DataFrame:
    """Return one row for each report of every run under the given folders; see `load_runs`.

    Returns:
      Columns experiment, trial and `lru_tune.files.run_directory.METRICS_COLUMNS`, in order of trial
      and step.
    """
    rows = [
        {EXPERIMENT: experiment_of(run).name, TRIAL: run.name, **report}
        for path in as_paths(paths)
        for run in find_runs(path)
        for report in runs.read_metrics(run)
    ]
    frame = pd.DataFrame(rows, columns=[EXPERIMENT, TRIAL, *runs.METRICS_COLUMNS])
    numbers = dict.fromkeys(runs.METRICS_COLUMNS, "float64") | {runs.STEP: "int64"}
    typed = frame.astype({EXPERIMENT: "str", TRIAL: "str", **numbers})
    return typed.sort_values([EXPERIMENT, TRIAL, runs.STEP], ignore_index=True)


def config_columns(frame: pd.DataFrame) -> list[str]:
    """Return the names of the `config/*` columns."""
    return [name for name in frame.columns if name.startswith(CONFIG_PREFIX)]


def find_runs(path: Path) -> list[Path]:
    """Return the run directories in a folder, sorted; see `load_runs`.

    Raises:
      ConfigError: the folder does not exist or holds no runs.
    """
    if not path.is_dir():
        raise ConfigError("results.no-folder", path=path, expected="a run or an experiment")
    found = _runs_of(path)
    if found is None:
        nested = [_runs_of(child) for child in folders(path)]
        if all(part is None for part in nested):
            files = {"experiment_file": EXPERIMENT_FILE, "config_file": runs.CONFIG_FILE}
            raise ConfigError("results.no-runs", path=path, **files)
        found = [run for part in nested if part for run in part]
    return found


def experiment_of(run: Path) -> Path:
    """Return the folder of the experiment of a run, or the parent folder of a single run."""
    parent = run.parent
    return parent.parent if parent.name in (TRIALS_FOLDER, CONFIRM_FOLDER) else parent


def as_paths(paths: Paths) -> list[Path]:
    """Return one path or several as a list of absolute paths."""
    given = [paths] if isinstance(paths, str | Path) else paths
    return [Path(path).resolve() for path in given]


def folders(path: Path) -> list[Path]:
    """Return the visible folders in a folder, sorted; empty if it does not exist."""
    if not path.is_dir():
        return []
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))


def _runs_of(path: Path) -> list[Path] | None:
    """Return the runs of a run directory, an experiment or one of its stages; None for other folders."""
    if any((path / name).is_file() for name in (runs.CONFIG_FILE, runs.RESULT_FILE)):
        return [path]
    if path.name in (TRIALS_FOLDER, CONFIRM_FOLDER):
        return folders(path)
    if (path / EXPERIMENT_FILE).is_file() or (path / TRIALS_FOLDER).is_dir():
        return folders(path / TRIALS_FOLDER)
    return None


def _run_row(run: Path, activity_of: Callable[[Path], str]) -> dict[str, Any]:
    """Return one run's values by column name; unknown values are missing or None."""
    row: dict[str, Any] = {
        TRIAL: run.name,
        EXPERIMENT: experiment_of(run).name,
        PATH: str(run),
    }
    try:
        result = runs.read_result(run)
        config = _config_of(run, result)
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        return row | {STATUS: "failed", ERROR: f"unreadable run directory: {error}"}
    row |= {CONFIG_PREFIX + name: value for name, value in config.items()}
    row |= {SEED: config.get("seed"), HORIZON: config.get("steps")}
    if result is None:
        found = runs.reports_summary(runs.read_metrics(run))
        running = activity_of(working_folder(run)) == "running"
        row[STATUS] = "running" if running else "interrupted"
        return row | found | _own_seconds(found)
    known = {name: result[name] for name in RUN_COLUMNS if result.get(name) is not None}
    missing = {} if BEST_STEP in known else runs.reports_summary(runs.read_metrics(run))
    return row | missing | _own_seconds(missing | known) | known


def _config_of(run: Path, result: dict[str, Any] | None) -> dict[str, Any]:
    """Return the flat configuration; empty if the run was killed or failed before it wrote it."""
    if result is not None and "config" in result:  # JSON is read twenty times as fast as YAML
        return {k: v for k, v in flatten(result["config"]).items() if v is not None}
    try:
        return flatten(runs.read_config(run))
    except FileNotFoundError:
        return {}


def _own_seconds(values: dict[str, Any]) -> dict[str, Any]:
    """Return the device seconds of a run that recorded only the seconds of the clock."""
    return {runs.DEVICE_SECONDS: values[runs.SECONDS]} if runs.SECONDS in values else {}


DTYPES: dict[frozenset[type], str] = {
    frozenset(): "object",
    frozenset({bool}): "boolean",
    frozenset({int}): "Int64",
    frozenset({float}): "float64",
    frozenset({int, float}): "float64",
    frozenset({str}): "str",
}


def _typed(values: Sequence[Any]) -> pd.Series:
    """Return a column whose dtype follows from its values."""
    kinds = frozenset(type(value) for value in values if value is not None)
    return pd.Series(values, dtype=DTYPES.get(kinds, "object"))
