"""Rungs, the steps at which early stopping compares trials, and what a value there says of the final one."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from scipy import stats

from lru_tune.files import run_directory as runs
from lru_tune.files.run_directory import Mode
from lru_tune.results.reading.frame import EXPERIMENT, STATUS, TRIAL
from lru_tune.space.settings import default_grace

RUNG, VALUE, FINAL = "rung", "value", "final"
LEAST = 3  # trials; fewer have no rank correlation worth a number


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
    """Return the rungs of a search space's scheduler, empty where it is not successive halving.

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
    """Return what every trial was worth at every rung it reached, and at its end.

    Args:
      trials: of one experiment, as `load_runs` returns them.
      reports: of the same, as `history` returns them.
      steps: the rungs.
      metric: a column of `reports`.

    Returns:
      Columns trial, rung, value (of the first report at or after the rung), final (of the last report of
      a trial that completed; NA for others) and status, in order of rung and trial.
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

    Only trials that completed have a final value, so this is a judgement on the trials that passed the rung,
    not on those that it stopped: it tends to be lower than over all trials.

    Args:
      values: as `rung_values` returns them.
      mode: of the metric; the correlation does not depend on it, `winner_rank` does.

    Returns:
      One row a rung: rung, reached (trials), completed (of these), spearman (NaN below three, or where all
      values are equal) and winner_rank: the rank at the rung, from 1, of the trial that was best at its end.
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
