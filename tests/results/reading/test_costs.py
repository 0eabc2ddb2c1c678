import math

import pytest

from lru_tune.files import run_directory as runs
from lru_tune.results import history, load_runs
from lru_tune.results.reading.costs import costs, device_share


def test_startup_is_what_the_first_stretch_took_beyond_the_later_pace(empty_experiment, write_run):
    run = write_run(empty_experiment() / "trials" / "0000-a", accuracies=(0.2, 0.6, 0.4, 0.3))
    rows = runs.read_metrics(run)
    for row, seconds, pace in zip(rows, (30.0, 32.0, 34.0, 36.0), (5, 50, 70, 60), strict=True):
        row |= {runs.SECONDS: seconds, runs.EXAMPLES_PER_SECOND: pace}
    runs.write_metrics(run, rows)
    runs.update_result(run, seconds=36.0)
    frame = costs(load_runs(run), history(run)).iloc[0]
    assert frame["startup_seconds"] == pytest.approx(28.0)
    assert frame["training_seconds"] == pytest.approx(8.0)
    assert frame["after_best_seconds"] == pytest.approx(4.0)
    assert frame["examples_per_second"] == 60.0


def test_every_trial_is_a_row_also_without_reports(experiment):
    trials = load_runs(experiment)
    frame = costs(trials, history(experiment))
    assert frame["trial"].tolist() == trials["trial"].tolist()
    silent = frame.set_index("trial").loc["0006-silent"]
    assert math.isnan(silent["startup_seconds"])
    assert math.isnan(silent["examples_per_second"])


def test_runs_in_lanes_divide_their_seconds(empty_experiment, write_run):
    folder = empty_experiment()
    for name in ("0000-a", "0001-b"):
        run = write_run(folder / "trials" / name, accuracies=(0.2, 0.6, 0.4, 0.3))
        runs.update_result(run, seconds=8.0, device_seconds=2.0)
    frame = costs(load_runs(folder), history(folder))
    assert frame["seconds"].tolist() == [2.0, 2.0]
    assert load_runs(folder)["seconds"].tolist() == [8.0, 8.0]


def test_seconds_that_are_not_divided_are_the_devices(empty_experiment, write_run):
    folder = empty_experiment()
    runs.update_result(write_run(folder / "trials" / "0000-a"), seconds=8.0)
    assert load_runs(folder)["device_seconds"].tolist() == [8.0]


@pytest.mark.parametrize(
    ("device", "share"), [("cpu: cpu", 2.0), (None, 2.0), ("gpu: NVIDIA H100", 0.25)]
)
def test_the_share_of_a_device_follows_from_where_it_ran(device, share):
    assert device_share({"tune": {"resources": {"gpus": 0.25, "cpus": 2}}}, device) == share


def test_a_plan_knows_the_share_best():
    space = {"tune": {"resources": {"gpus": 0.25, "cpus": 2}}}
    assert device_share(space, "gpu: x", {"share": 1.0}) == 1.0


def test_unknown_resources_count_as_one_device():
    assert device_share({}, "gpu: x") == 1.0
    assert device_share({"tune": {"resources": {"cpus": None}}}, "cpu: x") == 1.0
