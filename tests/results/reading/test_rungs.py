import math

import pandas as pd
import pytest

from lru_tune.results import history, load_runs
from lru_tune.results.reading.rungs import rung_steps, rung_trust, rung_values, searched_rungs


def test_rungs_grow_by_the_factor_and_stay_below_the_horizon():
    assert rung_steps(10, 3, 90) == [10, 30]
    assert rung_steps(10, 3, 91) == [10, 30, 90]
    assert rung_steps(90, 2, 90) == []


def test_a_space_without_successive_halving_has_no_rungs():
    asha = {"kind": "asha", "grace": 20, "reduction_factor": 2}
    assert searched_rungs({"tune": {"scheduler": asha}}, 100) == [20, 40, 80]
    without_grace = {"kind": "asha", "reduction_factor": 4}
    assert searched_rungs({"tune": {"scheduler": without_grace}}, 100) == [10, 40]
    assert searched_rungs({"tune": {"scheduler": {"kind": "median"}}}, 100) == []
    assert searched_rungs({}, 100) == []


def test_values_at_a_rung_are_those_of_the_first_report_that_reached_it(experiment):
    values = rung_values(load_runs(experiment), history(experiment), [15, 30])
    at = values.set_index(["trial", "rung"])
    assert at.loc[("0000-good", 15), "value"] == 0.6
    assert at.loc[("0000-good", 15), "final"] == 0.5
    assert at.loc[("0001-fair", 30), "value"] == 0.5
    assert math.isnan(at.loc[("0005-killed", 15), "final"])
    assert ("0005-killed", 30) not in at.index
    assert set(values.loc[values["rung"] == 30, "trial"]) == {"0000-good", "0001-fair"}


def test_trust_is_the_rank_correlation_of_those_that_completed():
    values = pd.DataFrame(
        {
            "rung": 10,
            "value": [0.1, 0.2, 0.3, 0.4, 0.9],
            "final": [0.5, 0.7, 0.6, 0.8, math.nan],
        }
    )
    trust = rung_trust(values).iloc[0]
    # ranks 1 2 3 4 against 1 3 2 4: 1 - 6 * 2 / (4 * 15)
    assert trust["spearman"] == pytest.approx(0.8)
    assert (trust["reached"], trust["completed"]) == (5, 4)
    assert trust["winner_rank"] == 2  # behind the one that was stopped
    assert rung_trust(values, "min").iloc[0]["winner_rank"] == 1


def test_two_trials_or_equal_values_have_no_correlation():
    two = pd.DataFrame({"rung": 10, "value": [0.1, 0.2], "final": [0.3, 0.4]})
    equal = pd.DataFrame({"rung": 10, "value": [0.1] * 4, "final": [0.1, 0.2, 0.3, 0.4]})
    assert math.isnan(rung_trust(two)["spearman"].iloc[0])
    assert math.isnan(rung_trust(equal)["spearman"].iloc[0])
