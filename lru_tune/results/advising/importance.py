"""The importance of each searched field for the metric: Optuna's evaluators, with bootstrap intervals.

Trials that were stopped early have no final value, but leaving them out removes most of the bad trials.
`Basis` names the ways to compare them.
"""

import importlib.util
import warnings
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import optuna
import pandas as pd
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator

from lru_tune.errors import ResourcesMissing
from lru_tune.files import run_directory as runs
from lru_tune.files.run_directory import Mode
from lru_tune.results.judging.best import ELIGIBLE
from lru_tune.results.reading.frame import CONFIG_PREFIX, EXPERIMENT, STATUS, TRIAL
from lru_tune.space.domains import Choice, Domain, parse_domain
from lru_tune.space.optuna_distributions import DIRECTIONS, distribution

Basis = Literal["common_step", "completed", "best_reported"]
Method = Literal["ped-anova", "fanova"]

FIELD, IMPORTANCE, LOW, HIGH = "field", "importance", "low", "high"
LEAST_TRIALS = 8  # fewer are not enough to compare fields
COVERED = 0.9  # fraction of the trials that have reached the common step
RESAMPLES = 50
CONFIDENCE = 0.9


class Scored(NamedTuple):
    """The values by which trials are compared.

    Attributes:
      values: metric of each trial, aligned with the frame of trials; NA for trials that do not count.
      basis: how they were compared, for a caption.
    """

    values: pd.Series
    basis: str


EVALUATORS: dict[Method, Callable[[int], Any]] = {
    "ped-anova": lambda seed: PedAnovaImportanceEvaluator(),
    "fanova": lambda seed: FanovaImportanceEvaluator(n_trees=32, seed=seed),
}


def scored(
    trials: pd.DataFrame,
    reports: pd.DataFrame,
    basis: Basis = "common_step",
    metric: str = runs.VAL_ACCURACY,
    mode: Mode = "max",
) -> Scored:
    """Return the value by which each trial is compared with the others.

    * `common_step`: the best value up to the last step that 90 % of the trials with a report have reached,
      usually the first rung. Stopped trials count like all others, and longer training is no advantage;
      effects that appear later are missed. Trials that diverged before that step do not count.
    * `completed`: the best value of trials that ran to their end. The reasons why others stopped are missed.
    * `best_reported`: the best value of every trial, however short. Confuses importance and training time.

    Args:
      trials: as `load_runs` returns them.
      reports: of the same trials, as `history` returns them.
      basis: one of the above.
      metric: a column of both frames.
      mode: whether the metric is maximised or minimised.
    """
    if basis == "completed":
        values = trials[metric].where(trials[STATUS] == "completed")
        return Scored(values, f"{int(values.notna().sum())} completed trials at their best")
    if basis == "best_reported":
        values = trials[metric].where(trials[STATUS].isin(ELIGIBLE))
        return Scored(values, f"{int(values.notna().sum())} trials at their best, however short")
    keys = [EXPERIMENT, TRIAL]
    reached = reports.groupby(keys)[runs.STEP].max()
    if reached.empty:
        return Scored(pd.Series(np.nan, index=trials.index), "no trial has reported")
    step = int(np.quantile(reached, 1.0 - COVERED, method="lower"))
    early = reports[reports[runs.STEP] <= step].groupby(keys)[metric].agg(mode)
    early = early[reached.reindex(early.index) >= step]
    found = [early.get((row[EXPERIMENT], row[TRIAL]), np.nan) for _, row in trials.iterrows()]
    values = pd.Series(found, index=trials.index, dtype="float64")
    return Scored(values, f"{int(values.notna().sum())} trials at their best up to step {step}")


def importances(
    trials: pd.DataFrame,
    search: dict[str, Any],
    values: pd.Series,
    *,
    method: Method = "ped-anova",
    mode: Mode = "max",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the importance of every searched field, the largest first.

    Args:
      trials: as `load_runs` returns them.
      search: the `search` block of the space: dotted field -> {kind: arguments}.
      values: of the metric, aligned with `trials`, as from `scored`; trials without a value do not count.
      method: PED-ANOVA measures how the best trials differ from the others; fANOVA fits a random forest to
        the values and needs scikit-learn.
      mode: whether the metric is maximised or minimised.
      resamples: number of bootstrap samples of the trials, for the intervals; 0 for no intervals.
      seed: random seed of the bootstrap.

    Returns:
      Columns field, importance (sums to 1), low and high (the middle 90 % of the bootstrap samples; NaN
      without samples). No rows if fewer than LEAST_TRIALS trials have a value, or no field varies.

    Raises:
      ResourcesMissing: fANOVA needs scikit-learn, which is not installed.
    """
    if method == "fanova" and importlib.util.find_spec("sklearn") is None:
        raise ResourcesMissing("results.no-scikit-learn")
    counted = trials[values.notna()]
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # Optuna logs every study that it creates
    frozen = _trials(counted, search, values[values.notna()])
    empty = pd.DataFrame(columns=[FIELD, IMPORTANCE, LOW, HIGH])
    if len(frozen) < LEAST_TRIALS:
        return empty
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        point = _importance(frozen, method, mode, seed)
        rng = np.random.default_rng(seed)
        drawn = [
            _importance(
                [frozen[i] for i in rng.integers(len(frozen), size=len(frozen))], method, mode, seed
            )
            for _ in range(resamples)
        ]
    if not point:
        return empty
    ends = (0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2)
    rows = []
    for field, value in point.items():
        spread = [resample.get(field, 0.0) for resample in drawn if resample]
        low, high = np.quantile(spread, ends) if spread else (np.nan, np.nan)
        rows.append((field, value, low, high))
    frame = pd.DataFrame(rows, columns=[FIELD, IMPORTANCE, LOW, HIGH])
    return frame.sort_values(IMPORTANCE, ascending=False, ignore_index=True)


def _trials(
    trials: pd.DataFrame, search: dict[str, Any], values: pd.Series
) -> list[optuna.trial.FrozenTrial]:
    """Return the trials as Optuna's trials; a trial lacks the parameters for which it has no value."""
    dimensions = {
        field: parse_domain(written)
        for field, written in search.items()
        if CONFIG_PREFIX + field in trials and trials[CONFIG_PREFIX + field].nunique() > 1
    }
    made = []
    for (_, row), value in zip(trials.iterrows(), values, strict=True):
        params, distributions = {}, {}
        for field, domain in dimensions.items():
            x = _placed(row[CONFIG_PREFIX + field], domain)
            if x is not None:
                params[field], distributions[field] = x, distribution(domain.coordinate)
        if params:
            made.append(
                optuna.create_trial(params=params, distributions=distributions, value=float(value))
            )
    return made


def _placed(value: Any, domain: Domain) -> Any:
    """Return the coordinate of a value on the searcher's scale; None if it is outside the domain."""
    if not isinstance(value, list) and pd.isna(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(domain, Choice) and not domain.contains(value):
        return None
    return domain.to_coordinate(value)


def _importance(
    trials: list[optuna.trial.FrozenTrial], method: Method, mode: Mode, seed: int
) -> dict[str, float]:
    """Return field -> importance; empty if all trials have the same value."""
    if len({trial.value for trial in trials}) < 2:
        return {}
    study = optuna.create_study(direction=DIRECTIONS[mode])
    study.add_trials(trials)
    return dict(optuna.importance.get_param_importances(study, evaluator=EVALUATORS[method](seed)))
