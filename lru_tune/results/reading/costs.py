"""The cost of a search: how its trials spent their seconds."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from lru_tune.files import run_directory as runs
from lru_tune.results.reading.frame import EXPERIMENT, STATUS, TRIAL

STARTUP, TRAINING, WASTED = "startup_seconds", "training_seconds", "after_best_seconds"
PACE = "examples_per_second"


def costs(trials: pd.DataFrame, reports: pd.DataFrame) -> pd.DataFrame:
    """Return how each trial spent its seconds.

    A run records the seconds of compiling, training and evaluation; the rest are checkpoints and files. Runs
    of earlier versions do not: their start-up, mostly compilation, is estimated as the time to the first
    report beyond the median pace of the later ones.

    Args:
      trials: as `load_runs` returns them.
      reports: of the same runs, as `history` returns them.

    Returns:
      One row for each trial: experiment, trial, status, seconds (of the device, so that runs in lanes can be
      added up), of these compile_seconds, train_seconds and eval_seconds (NaN if not recorded),
      startup_seconds (NaN below two reports), training_seconds (the other seconds, including evaluation),
      after_best_seconds (after the best report) and examples_per_second (median of all reports but the
      first, or the first if it is the only one).
    """
    rows = []
    by_trial = dict(list(reports.groupby([EXPERIMENT, TRIAL])))
    for _, trial in trials.iterrows():
        curve = by_trial.get((trial[EXPERIMENT], trial[TRIAL]), reports.head(0))
        seconds = trial[runs.DEVICE_SECONDS]
        # Reports count the seconds of the clock.
        own = seconds / trial[runs.SECONDS] if trial[runs.SECONDS] else 1.0
        startup = own * _startup(curve)
        rows.append(
            {
                EXPERIMENT: trial[EXPERIMENT],
                TRIAL: trial[TRIAL],
                STATUS: trial[STATUS],
                runs.SECONDS: seconds,
                **{name: trial[name] for name in runs.PARTS_OF_SECONDS},
                STARTUP: startup,
                TRAINING: seconds - (0.0 if pd.isna(startup) else startup),
                WASTED: own * _after_best(curve, trial["best_step"]),
                PACE: curve[PACE].iloc[min(1, len(curve) - 1) :].median() if len(curve) else None,
            }
        )
    parts = (runs.SECONDS, *runs.PARTS_OF_SECONDS)
    names = [EXPERIMENT, TRIAL, STATUS, *parts, STARTUP, TRAINING, WASTED, PACE]
    types = dict.fromkeys(names[:3], "str") | dict.fromkeys(names[3:], "float64")
    return pd.DataFrame(rows, columns=names).astype(types)


def device_share(
    space: dict[str, Any], device: str | None, plan: Mapping[str, Any] = MappingProxyType({})
) -> float:
    """Return how many devices one trial has: GPUs (or a fraction) on a GPU, cores on a CPU; 1 if unknown.

    Args:
      space: the mapping in space.yaml.
      device: from experiment.json, such as "cpu: AMD EPYC".
      plan: from experiment.json; for experiments of earlier versions, which lack it, the space decides.
    """
    if "share" in plan:
        return float(plan["share"])
    resources = (space.get("tune") or {}).get("resources") or {}
    on_cpu = device is None or device.startswith("cpu")
    share = resources.get("cpus" if on_cpu else "gpus")
    return float(share) if isinstance(share, int | float) and share > 0 else 1.0


def _startup(curve: pd.DataFrame) -> float:
    if len(curve) < 2:
        return float("nan")
    steps, seconds = curve[runs.STEP].to_numpy(), curve[runs.SECONDS].to_numpy()
    later = pd.Series((seconds[1:] - seconds[:-1]) / (steps[1:] - steps[:-1])).median()
    return float(max(0.0, seconds[0] - later * steps[0]))


def _after_best(curve: pd.DataFrame, best_step: Any) -> float:
    if curve.empty or pd.isna(best_step):
        return float("nan")
    best = curve.loc[curve[runs.STEP] == best_step, runs.SECONDS]
    return float(curve[runs.SECONDS].iloc[-1] - best.iloc[0]) if len(best) else float("nan")
