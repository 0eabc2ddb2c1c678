"""Speed measured in a process of its own: a number where there is one, a reason where there is none."""

import sys

import pytest

from lru_tune.config.schema import RunConfig
from lru_tune.training.speed import measure_speeds, pace


def small(**model) -> RunConfig:
    return RunConfig.model_validate(
        {
            "task": "copy",
            "steps": 10,
            "model": {"n_layers": 1, "d_model": 8, "d_hidden": 8, "pooling": "none"} | model,
            "data": {"batch_size": 4},
        }
    )


@pytest.mark.slow
def test_each_configuration_gets_its_speed_in_order():
    large = small(d_model=256, d_hidden=256, n_layers=2)
    speeds = list(measure_speeds([small(), large], cpus=1, seconds=0.5))
    rates = [speed.steps_per_second or 0.0 for speed in speeds]
    assert rates[0] > rates[1] > 0.0
    assert speeds[1].memory > speeds[0].memory > 0
    assert all(speed.device.startswith("cpu") and not speed.problem for speed in speeds)


def test_a_process_that_dies_gives_a_reason_instead_of_a_speed(monkeypatch, tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho out of memory >&2\nexit 9\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    (speed,) = measure_speeds([small()], cpus=1)
    assert speed.steps_per_second is None
    assert speed.problem == "the process ended with 9: out of memory"


def test_a_process_that_takes_too_long_is_given_up(monkeypatch, tmp_path):
    endless = tmp_path / "python"
    endless.write_text("#!/bin/sh\nexec sleep 60\n")
    endless.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(endless))
    (speed,) = measure_speeds([small()], cpus=1, most_seconds=0.2)
    assert speed.steps_per_second is None
    assert "no result within" in speed.problem


class Steps:
    """Steps of a known length, the first call slower than the others; `counts` are those of the calls."""

    def __init__(self, seconds, first=1.0):
        self.seconds, self.first, self.counts = seconds, first, []

    def __call__(self, count):
        self.counts.append(count)
        return self.seconds * count * (self.first if len(self.counts) == 1 else 1.0)


def test_the_pace_is_taken_from_calls_that_fill_the_time():
    steps = Steps(0.01, first=20.0)
    assert pace(steps, 3.0, most=1000) == pytest.approx(100.0)
    assert steps.counts == [1, 1, 100, 100, 100]


def test_a_call_takes_no_more_steps_than_there_are_batches():
    steps = Steps(0.01)
    pace(steps, 3.0, most=7)
    assert steps.counts == [1, 1, 7, 7, 7]


def test_one_step_is_enough_where_it_takes_the_time():
    steps = Steps(5.0)
    assert pace(steps, 3.0, most=100) == pytest.approx(0.2)
    assert steps.counts == [1]
