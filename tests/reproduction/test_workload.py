"""How much a command set out to do, and how long the rest takes."""

import json
import time

import pytest

from lru_tune.files import run_directory as runs
from lru_tune.reproduction.outcome import cell_runs
from lru_tune.reproduction.rates import rate_search_runs
from lru_tune.reproduction.workload import (
    FILE,
    Workload,
    count_ended,
    read_workload,
    write_workload,
)


def test_races_and_seeds_that_are_not_done_count(plan, store):
    searched, fixed = plan(1, "RNN-Lin")[0], plan(1, "RNN-Lin", rates=(0.5,))[0]
    for run in (rate_search_runs(searched, store)[0], cell_runs(fixed, 3, store).planned[1]):
        runs.write_result(run.run_dir, "completed", **{runs.TEST_ACCURACY: 0.5})
    begun = time.time()
    write_workload([searched, fixed], 3, store)
    workload = read_workload(store.root)
    assert workload.runs == (2 + 3) + 2
    assert workload.ended == count_ended(store.root) == 2
    assert workload.started == pytest.approx(begun, abs=5)


def test_a_failed_run_has_not_ended(plan, store):
    run = cell_runs(plan(1, "RNN-Lin", rates=(0.5,))[0], 1, store).planned[0]
    runs.write_result(run.run_dir, "failed")
    assert count_ended(store.root) == 0


def test_the_time_left_follows_from_the_runs_that_ended_since(store):
    workload = Workload(started=1000.0, ended=4, runs=10)
    assert workload.seconds_left(ended=6, now=1100.0) == pytest.approx(8 * 50.0)
    assert workload.seconds_left(ended=14, now=1100.0) == 0


def test_nothing_is_said_before_a_run_has_ended_nor_without_a_workload(store):
    assert Workload(started=1000.0, ended=4, runs=10).seconds_left(ended=4, now=5000.0) is None
    assert read_workload(store.root) is None


def test_it_is_one_plain_file(plan, store):
    write_workload(plan(1, "RNN-Lin"), 2, store)
    assert json.loads((store.root / FILE).read_text())["format_version"] == 1
