"""Chooses the best run by validation and writes its configuration to a file."""

from datetime import datetime
from pathlib import Path

import pandas as pd

from lru_tune import __version__
from lru_tune.errors import NoTrialSucceeded
from lru_tune.files import run_directory as runs
from lru_tune.files.atomic import write_atomically
from lru_tune.files.run_directory import Mode
from lru_tune.results.reading.frame import (
    BEST_STEP,
    EXPERIMENT,
    HORIZON,
    PATH,
    SEED,
    STATUS,
    TRIAL,
)

# The value of a completed run is final, that of others might still have changed; a configuration that
# diverged is never the best, whatever value it had before.
TRUST = {"completed": 0, "stopped": 1, "interrupted": 1, "running": 1, "diverged": 2, "failed": 3}
ELIGIBLE = frozenset({"completed", "stopped", "interrupted", "running"})


def ranked(
    frame: pd.DataFrame, metric: str = runs.VAL_ACCURACY, mode: Mode = "max"
) -> pd.DataFrame:
    """Return all rows, best first: completed, then unfinished, then diverged, then failed runs.

    Each group is sorted by the metric, with missing values last, then by trial name.
    """
    order = frame.assign(_trust=frame[STATUS].map(TRUST), _value=frame[metric].astype("float64"))
    ascending = [True, mode == "min", True]
    order = order.sort_values(["_trust", "_value", TRIAL], ascending=ascending, kind="stable")
    return order.drop(columns=["_trust", "_value"]).reset_index(drop=True)


def best_run(frame: pd.DataFrame, metric: str = runs.VAL_ACCURACY, mode: Mode = "max") -> pd.Series:
    """Return the row of the best run by validation; an unfinished run only if none completed.

    Raises:
      NoTrialSucceeded: every run has diverged, failed or not reported yet.
    """
    usable = frame[frame[STATUS].isin(ELIGIBLE) & frame[metric].notna()]
    if usable.empty:
        counts = frame[STATUS].value_counts().sort_index()
        found = ", ".join(f"{n} {status}" for status, n in counts.items()) or "no runs"
        raise NoTrialSucceeded("results.no-best-run", counts=found)
    return ranked(usable, metric, mode).iloc[0]


def write_best_config(
    row: pd.Series, path: Path, *, metric: str = runs.VAL_ACCURACY, remark: str = ""
) -> None:
    """Write the best run's complete configuration, with its origin as a comment.

    Args:
      row: a row of `load_runs`.
      path: the file to write.
      metric: the metric whose value the comment gives.
      remark: more lines of comment, such as a warning about synthetic data.
    """
    title = f"Best configuration of experiment {row[EXPERIMENT]} by {metric}."
    write_atomically(path, documented_config(row, title, metric=metric, remark=remark))


def documented_config(row: pd.Series, title: str, *, metric: str, remark: str = "") -> str:
    """Return a run's config.yaml with its origin as a comment; see `write_best_config`."""
    run = Path(row[PATH])
    result = run / runs.RESULT_FILE
    ended = (result if result.is_file() else run).stat().st_mtime
    value = "none" if pd.isna(row[metric]) else f"{row[metric]:.6g} at step {row[BEST_STEP]}"
    lines = [
        title,
        f"trial: {row[TRIAL]} (seed {row[SEED]}, {row[STATUS]})",
        f"{metric}: {value} of {row[HORIZON]}",
        f"date: {datetime.fromtimestamp(ended):%Y-%m-%d}",
        f"lru-tune: {__version__}",
        *remark.splitlines(),
    ]
    header = "".join(f"# {line}\n" for line in lines)
    return header + (run / runs.CONFIG_FILE).read_text()
