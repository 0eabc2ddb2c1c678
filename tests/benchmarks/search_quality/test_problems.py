import numpy as np
import pytest

from benchmarks.search_quality.lcbench import JUDGING, chosen_tasks
from benchmarks.search_quality.problems import Stress

CURVE = np.linspace(50.0, 90.0, 20)


def seen(text, seed=1):
    return Stress.parse(text).apply(CURVE, 10.0, np.random.default_rng(seed))


def test_without_stress_a_curve_is_seen_as_it_is():
    assert np.array_equal(seen("none"), CURVE)


def test_a_plateau_hides_the_beginning():
    found = seen("plateau-20")
    assert np.all(np.abs(found[:4] - 10.0) < 5.0)
    assert len(set(found[:4])) == 4
    assert np.array_equal(found[4:], CURVE[4:])


def test_noise_is_one_offset_a_seed():
    offsets = np.array([seen("noise-2", seed) - CURVE for seed in range(400)])
    assert np.ptp(offsets, axis=1) == pytest.approx(0.0, abs=1e-9)
    assert offsets[:, 0].std() == pytest.approx(2.0, rel=0.1)


def test_a_share_of_the_seeds_never_learns():
    dead = [seen("dead-25", seed).max() < 20.0 for seed in range(400)]
    assert np.mean(dead) == pytest.approx(0.25, abs=0.06)


def test_stresses_add_up():
    stress = Stress.parse("plateau-20+noise-0.5")
    assert (stress.plateau, stress.noise, stress.dead) == (20.0, 0.5, 0.0)


@pytest.mark.parametrize("text", ["plateaus-20", "plateau-much", ""])
def test_an_unknown_stress_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        Stress.parse(text)


def test_regret_is_0_at_the_best_and_100_at_the_median(problem):
    assert problem.regret(problem.best) == 0.0
    assert problem.regret(problem.median) == pytest.approx(100.0)
    assert problem.regret(problem.best + 1.0) < 0.0


def test_the_tasks_for_judging_are_left_out_of_those_for_tuning():
    known = ["7593", *JUDGING]
    assert chosen_tasks(["tuning"], known) == ["7593"]
    assert chosen_tasks(["judging"], known) == list(JUDGING)
    assert chosen_tasks(["7593", "all"], known) == known
    with pytest.raises(ValueError, match="12"):
        chosen_tasks(["12"], known)
