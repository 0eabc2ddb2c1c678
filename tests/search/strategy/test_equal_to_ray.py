"""Our stopping rules decide as Ray's own classes on random streams of reports, and as their examples say."""

import doctest
import math
from typing import NamedTuple

import numpy as np
import pytest
import ray
from ray.tune.schedulers import AsyncHyperBandScheduler, MedianStoppingRule, TrialScheduler

from lru_tune.search.strategy import asha, median
from lru_tune.search.strategy.asha import Asha
from lru_tune.search.strategy.median import MedianStopping

STREAMS = 200


class Trial(NamedTuple):
    """What Ray's schedulers ask of a trial."""

    trial_id: str


def stream(rng, horizon: int, trials: int):
    """Yield (trial, step, value, last): trials in random turns, with jumps over rungs and tied values."""
    steps = dict.fromkeys(range(trials), 0)
    every = int(rng.integers(1, max(2, horizon // 3)))
    levels = int(rng.choice([3, 10, 10**9]))
    while steps:
        trial = int(rng.choice(list(steps)))
        steps[trial] += int(rng.integers(1, every + 1))
        value = float(rng.integers(0, levels)) / levels
        # Most trials end at the horizon, some of their own accord before it.
        last = steps[trial] >= horizon or rng.random() < 0.02
        if (yield trial, min(steps[trial], horizon), value, last) or last:
            del steps[trial]


def compare(rule, other, rng, horizon: int) -> tuple[int, int]:
    """Assert that both decide alike; return how many trials were stopped and how many ended by themselves."""
    trials = [Trial(str(n)) for n in range(int(rng.integers(2, 25)))]
    for trial in trials:
        other.on_trial_add(None, trial)
    reports, stop = stream(rng, horizon, len(trials)), None
    stopped = ended = 0
    while True:
        try:
            number, step, value, last = reports.send(stop)
        except StopIteration:
            return stopped, ended
        result = {"step": step, "value": value}
        # Ray asks about the last report of a trial only if the trial does not know that it is done.
        if last and rng.random() < 0.7:
            stop = False
        else:
            stop = rule.report(number, step, value)
            decision = other.on_trial_result(None, trials[number], result)
            assert stop == (decision == TrialScheduler.STOP), (number, step, value)
        if stop or last:
            rule.end(number, step, value)
            other.on_trial_complete(None, trials[number], result)
        stopped, ended = stopped + bool(stop), ended + bool(last and not stop)


@pytest.mark.parametrize("mode", ["max", "min"])
def test_asha(mode):
    counts = np.zeros(2, int)
    for seed in range(STREAMS):
        rng = np.random.default_rng(seed)
        grace, factor = int(rng.integers(1, 12)), int(rng.integers(2, 6))
        exact = rng.random() < 0.3  # a rung at the horizon
        horizon = (
            grace * factor ** int(rng.integers(1, 5)) if exact else int(rng.integers(grace, 200))
        )
        other = AsyncHyperBandScheduler(
            time_attr="step",
            metric="value",
            mode=mode,
            max_t=horizon,
            grace_period=grace,
            reduction_factor=factor,
        )
        rule = Asha(mode=mode, grace=grace, reduction_factor=factor, horizon=horizon)
        if len(other._brackets[0]._rungs) < len(rule.rungs):
            # Ray counts its rungs with logarithms, and rounding may lose the one at the horizon.
            assert rule.rungs[-1] == horizon
            continue
        counts += compare(rule, other, rng, horizon)
    assert min(counts) > STREAMS


@pytest.mark.skipif(
    tuple(map(int, ray.__version__.split(".")[:2])) < (2, 60),
    reason="Ray's rule took the mean of no values and then never stopped the trial",
)
@pytest.mark.parametrize("mode", ["max", "min"])
def test_median(mode):
    counts = np.zeros(2, int)
    for seed in range(STREAMS):
        rng = np.random.default_rng(seed)
        grace, horizon = int(rng.integers(1, 30)), int(rng.integers(30, 200))
        other = MedianStoppingRule(
            time_attr="step", metric="value", mode=mode, grace_period=grace, min_time_slice=math.inf
        )
        rule = MedianStopping(mode=mode, grace=grace)
        counts += compare(rule, other, rng, horizon)
    assert min(counts) > STREAMS


@pytest.mark.parametrize("module", [asha, median])
def test_the_examples(module):
    failed, tried = doctest.testmod(module)
    assert tried > 0
    assert not failed
