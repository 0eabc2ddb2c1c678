import math

import numpy as np
import pandas as pd
import pytest

from lru_tune.errors import ResourcesMissing
from lru_tune.results import history, load_runs
from lru_tune.results.advising import importance as importance_room
from lru_tune.results.advising.importance import importances, scored

SEARCH = {
    "rate": {"loguniform": [1e-4, 1e-2]},
    "r_max": {"one_minus_loguniform": [1e-4, 1e-1]},
    "depth": {"choice": [2, 4, None]},
}


def trials_of(count, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "experiment": "e",
            "trial": [f"{i:04d}" for i in range(count)],
            "status": "completed",
            "config/rate": 10 ** rng.uniform(-4, -2, count),
            "config/r_max": 1 - 10 ** rng.uniform(-4, -1, count),
            "config/depth": pd.array(rng.choice([2, 4], count), dtype="Int64"),
        }
    )


@pytest.mark.parametrize("mode", ["max", "min"])
def test_the_field_that_decides_is_the_most_important(mode):
    trials = trials_of(60)
    score = -np.abs(np.log10(trials["config/rate"]) + 3)
    frame = importances(trials, SEARCH, score if mode == "max" else -score, mode=mode, resamples=20)
    assert frame["field"].iloc[0] == "rate"
    assert frame["importance"].iloc[0] > 0.7
    assert frame["importance"].sum() == pytest.approx(1.0)
    assert (frame["low"] <= frame["high"]).all()
    assert frame["low"].iloc[0] > frame["high"].iloc[1:].max()


def test_the_same_seed_gives_the_same_intervals():
    trials = trials_of(30)
    values = trials["config/rate"]
    first, second = (importances(trials, SEARCH, values, resamples=5) for _ in range(2))
    assert first.equals(second)


def test_few_trials_or_equal_values_have_no_importance():
    assert importances(trials_of(7), SEARCH, pd.Series(np.arange(7.0))).empty
    assert importances(trials_of(20), SEARCH, pd.Series(np.zeros(20))).empty


def test_a_field_without_a_value_in_some_trials_is_no_obstacle():
    trials = trials_of(40)
    trials.loc[::3, "config/depth"] = pd.NA
    frame = importances(trials, SEARCH, trials["config/rate"], resamples=0)
    assert frame["field"].iloc[0] == "rate"
    assert frame["low"].isna().all()


def test_a_value_at_the_very_end_of_an_interval_counts():
    trials = trials_of(20)
    trials.loc[0, "config/r_max"] = 1 - 1e-4  # 1 - it is a hair above 1e-4
    trials.loc[1, "config/r_max"] = 0.9
    assert len(importances(trials, SEARCH, trials["config/r_max"], resamples=0)) == 3


def test_fanova_without_scikit_learn_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importance_room.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ResourcesMissing) as refused:
        importances(trials_of(20), SEARCH, pd.Series(np.arange(20.0)), method="fanova")
    assert refused.value.code == "results.no-scikit-learn"


def test_fanova_finds_the_field_that_decides():
    pytest.importorskip("sklearn", reason="fANOVA needs scikit-learn")
    trials = trials_of(60)
    frame = importances(
        trials, SEARCH, np.log10(trials["config/rate"]), method="fanova", resamples=2
    )
    assert frame["field"].iloc[0] == "rate"


def test_stopped_trials_are_compared_at_a_step_that_nine_in_ten_reached(
    empty_experiment, write_run
):
    folder = empty_experiment()
    for number in range(10):
        reports = 3 if number < 2 else 1
        write_run(
            folder / "trials" / f"{number:04d}",
            accuracies=tuple((number + 1) / 100 + i / 10 for i in range(reports)),
            status="completed" if reports == 3 else "stopped",
        )
    write_run(folder / "trials" / "0010", accuracies=(), status="failed")
    trials, reports = load_runs(folder), history(folder)
    common = scored(trials, reports)
    assert common.values.tolist()[:10] == pytest.approx([(n + 1) / 100 for n in range(10)])
    assert math.isnan(common.values.iloc[10])
    assert common.basis == "10 trials at their best up to step 10"
    completed = scored(trials, reports, "completed").values
    assert completed.notna().tolist() == [True, True] + [False] * 9
    best = scored(trials, reports, "best_reported").values
    assert best.tolist()[:3] == pytest.approx([0.21, 0.22, 0.03])


def test_a_trial_that_ended_before_the_common_step_does_not_count(empty_experiment, write_run):
    folder = empty_experiment()
    for number in range(20):
        accuracies = (0.9,) if number == 0 else (0.1, 0.2)
        write_run(folder / "trials" / f"{number:04d}", accuracies=accuracies, status="stopped")
    common = scored(load_runs(folder), history(folder))
    assert common.basis == "19 trials at their best up to step 20"
    assert math.isnan(common.values.iloc[0])


def test_without_reports_nothing_is_scored(empty_experiment, write_run):
    folder = empty_experiment()
    write_run(folder / "trials" / "0000", accuracies=(), status="failed")
    assert scored(load_runs(folder), history(folder)).values.isna().all()
