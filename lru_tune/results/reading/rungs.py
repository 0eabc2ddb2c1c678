"""Rungs, the steps at which early stopping compares trials, and how well they predict final values."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from scipy import stats

from lru_tune.files import run_directory as runs
from lru_tune.files.run_directory import Mode
from lru_tune.results.reading.frame import EXPERIMENT, STATUS, TRIAL
from lru_tune.space.settings import default_grace

RUNG, VALUE, FINAL = "rung", "value", "final"
LEAST = 3  # trials that a rank correlation needs


def rung_steps(first: int, factor: int, horizon: int) -> list[int]:
    """Return the steps of successive halving below the horizon, smallest first.

    Args:
      first: step of the first comparison, at least 1.
      factor: between one rung and the next, at least 2.
      horizon: steps of a whole run.
    """
    marks = []
    while first < horizon:
        marks.append(first)
        first *= factor
    return marks


def searched_rungs(space: dict[str, Any], horizon: int) -> list[int]:
    """Return the rungs of a search space's scheduler; empty if it is not successive halving.

    Args:
      space: the mapping in space.yaml.
      horizon: steps of a whole run.
    """
    scheduler = (space.get("tune") or {}).get("scheduler") or {}
    if scheduler.get("kind") != "asha":
        return []
    first = scheduler.get("grace") or default_grace(horizon)
    return rung_steps(first, scheduler["reduction_factor"], horizon)


def rung_values(
    trials: pd.DataFrame,
    reports: pd.DataFrame,
    steps: Sequence[int],
    metric: str = runs.VAL_ACCURACY,
) -> pd.DataFrame:
    """Return the value of every trial at every rung that it reached, and at its end.

    Args:
      trials: of one experiment, as `load_runs` returns them.
      reports: of the same trials, as `history` returns them.
      steps: the rungs.
      metric: a column of `reports`.

    Returns:
      Columns trial, rung, value (of the first report at or after the rung), final (of the last report if the
      trial completed, else NA) and status, sorted by rung and trial.
    """
    status = trials.set_index([EXPERIMENT, TRIAL])[STATUS]
    last = reports.groupby([EXPERIMENT, TRIAL])[metric].last()
    final = last.where(status.reindex(last.index) == "completed")
    parts = []
    for step in steps:
        reached = reports[reports[runs.STEP] >= step].groupby([EXPERIMENT, TRIAL])[metric].first()
        part = pd.DataFrame({VALUE: reached, FINAL: final.reindex(reached.index)})
        part[STATUS] = status.reindex(reached.index)
        parts.append(part.reset_index().assign(**{RUNG: step}))
    names = [TRIAL, RUNG, VALUE, FINAL, STATUS]
    return pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)


def rung_trust(values: pd.DataFrame, mode: Mode = "max") -> pd.DataFrame:
    """Return how well each rung orders trials: Spearman's rank correlation with the final value.

    Only completed trials have a final value, so the correlation is over trials that passed the rung, without
    those that it stopped. It is usually lower than a correlation over all trials.

    Args:
      values: as `rung_values` returns them.
      mode: of the metric; matters for `winner_rank` only.

    Returns:
      One row for each rung: rung, reached (trials), completed (of these), spearman (NaN below three, or if
      all values are equal) and winner_rank: the rank at the rung, from 1, of the trial with the best
      final value.
    """
    rows = []
    for rung, group in values.groupby(RUNG):
        done = group.dropna(subset=[VALUE, FINAL])
        varies = len(done) >= LEAST and done[VALUE].nunique() > 1 and done[FINAL].nunique() > 1
        spearman = float(stats.spearmanr(done[VALUE], done[FINAL])[0]) if varies else float("nan")
        rank: int | None = None
        if len(done):
            sign = 1.0 if mode == "max" else -1.0
            winner = (sign * done[FINAL]).to_numpy().argmax()
            rank = 1 + int((sign * group[VALUE] > sign * done[VALUE].iloc[winner]).sum())
        rows.append((rung, len(group), len(done), spearman, rank))
    frame = pd.DataFrame(rows, columns=[RUNG, "reached", "completed", "spearman", "winner_rank"])
    return frame.astype({"winner_rank": "Int64"})
