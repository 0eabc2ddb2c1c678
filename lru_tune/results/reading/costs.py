"""What a search cost: where the seconds of its trials went, as far as they are recorded."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from lru_tune.files import run_directory as runs
from lru_tune.results.reading.frame import EXPERIMENT, STATUS, TRIAL

STARTUP, TRAINING, WASTED = "startup_seconds", "training_seconds", "after_best_seconds"
PACE = "examples_per_second"


def costs(trials: pd.DataFrame, reports: pd.DataFrame) -> pd.DataFrame:
    """Return where each trial's seconds went.

    A run records what it spent on compiling, training and evaluating; the rest went into checkpoints and
    files. Runs of earlier versions did not: of these start-up is what the first stretch took beyond the
    median pace of the later ones, mostly compilation.

    Args:
      trials: as `load_runs` returns them.
      reports: of the same runs, as `history` returns them.

    Returns:
      One row a trial: experiment, trial, status, seconds (of the device: runs in lanes divide theirs, so
      that all may be added up), of these compile_seconds, train_seconds and eval_seconds (NaN where not
      recorded), startup_seconds (NaN below two reports), training_seconds (all seconds without
      these, evaluation included), after_best_seconds (spent after the best report) and
      examples_per_second (median without the first report; that one where it is all there is).
    """
    rows = []
    by_trial = dict(list(reports.groupby([EXPERIMENT, TRIAL])))
    for _, trial in trials.iterrows():
        curve = by_trial.get((trial[EXPERIMENT], trial[TRIAL]), reports.head(0))
        seconds = trial[runs.DEVICE_SECONDS]
        own = (
            seconds / trial[runs.SECONDS] if trial[runs.SECONDS] else 1.0
        )  # reports tell the clock's
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
    """Return how much of a device one trial has to itself: GPUs on a GPU, cores on a CPU; 1 if not known.

    Args:
      space: the mapping in space.yaml.
      device: as experiment.json names it, such as "cpu: AMD EPYC".
      plan: as experiment.json has it; of earlier versions it does not say, and the space does.
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
