import json
import os
import time

import numpy as np
import pandas as pd
import pytest

from lru_tune.config.config_files import load_run_config
from lru_tune.errors import ConfigError
from lru_tune.files import run_directory as runs
from lru_tune.results import confirmations, history, load_runs

STATUSES = {
    "0000-good": "completed",
    "0001-fair": "completed",
    "0002-stopped": "stopped",
    "0003-diverged": "diverged",
    "0004-failed": "failed",
    "0005-killed": "interrupted",
    "0006-silent": "interrupted",
}


def test_every_trial_is_a_row_whatever_became_of_it(experiment):
    frame = load_runs(experiment)
    assert dict(zip(frame["trial"], frame["status"], strict=True)) == STATUSES
    assert set(frame["experiment"]) == {"listops-1"}


def test_values_are_those_of_the_best_report(experiment):
    row = load_runs(experiment).set_index("trial").loc["0000-good"]
    assert (row["best_step"], row["steps"], row["horizon"]) == (20, 30, 30)
    assert row["val/accuracy"] == 0.6
    assert row["val/loss"] == pytest.approx(0.4)
    assert row["config/optim.learning_rate"] == 0.002


def test_a_killed_run_has_the_values_it_reported(experiment):
    row = load_runs(experiment).set_index("trial").loc["0005-killed"]
    assert (row["steps"], row["best_step"], row["val/accuracy"]) == (20, 20, 0.3)


def test_columns_are_typed(experiment):
    frame = load_runs(experiment)
    assert pd.api.types.is_string_dtype(frame["trial"])
    assert pd.api.types.is_string_dtype(frame["config/task"])
    assert frame["steps"].dtype == "Int64"
    assert frame["config/model.n_layers"].dtype == "Int64"
    assert frame["config/model.bidirectional"].dtype == "boolean"
    assert frame["config/optim.learning_rate"].dtype == np.float64
    assert frame["val/accuracy"].dtype == np.float64
    silent = frame.set_index("trial").loc["0006-silent"]
    assert pd.isna(silent["steps"])
    assert pd.isna(silent["config/task"])


def test_a_run_without_a_result_has_the_values_of_its_best_report(empty_experiment, write_run):
    folder = empty_experiment(status="running")
    write_run(folder / "trials" / "0000", status=None, accuracies=(0.2, 0.5, 0.5, 0.4))
    (row,) = load_runs(folder).to_dict("records")
    assert (row["steps"], row["best_step"], row["val/accuracy"]) == (40, 20, 0.5)


def test_a_silent_run_counts_as_running_while_its_experiment_is(empty_experiment, write_run):
    folder = empty_experiment(status="running")
    run = write_run(folder / "trials" / "0000-a", status=None)
    assert load_runs(folder)["status"].tolist() == ["running"]
    os.utime(run, (time.time() - 7200,) * 2)
    assert load_runs(folder)["status"].tolist() == ["interrupted"]


def test_a_folder_of_experiments_a_stage_and_a_run_are_read_alike(experiment, write_run):
    write_run(experiment.parent / "single")
    assert len(load_runs(experiment.parent)) == len(STATUSES) + 1
    assert len(load_runs(experiment / "confirm")) == 4
    assert load_runs(experiment / "trials" / "0000-good")["trial"].tolist() == ["0000-good"]
    both = load_runs([experiment / "confirm", str(experiment)])
    assert len(both) == len(STATUSES) + 4


def test_an_unreadable_result_is_a_failed_row_with_the_reason(empty_experiment, write_run):
    folder = empty_experiment()
    run = write_run(folder / "trials" / "0000-a")
    (run / "result.json").write_text("{half")
    row = load_runs(folder).iloc[0]
    assert row["status"] == "failed"
    assert "unreadable" in row["error"]


def test_an_experiment_without_trials_is_an_empty_typed_frame(empty_experiment):
    frame = load_runs(empty_experiment())
    assert frame.empty
    assert frame["steps"].dtype == "Int64"


def test_a_folder_without_runs_is_an_error_that_says_so(tmp_path):
    with pytest.raises(ConfigError) as refused:
        load_runs(tmp_path / "nowhere")
    assert refused.value.code == "results.no-folder"
    (tmp_path / "stray").mkdir()
    with pytest.raises(ConfigError) as refused:
        load_runs(tmp_path)
    assert refused.value.code == "results.no-runs"


def test_history_has_one_row_a_report_in_order(experiment):
    reports = history(experiment)
    assert list(reports.columns) == ["experiment", "trial", *runs.METRICS_COLUMNS]
    assert len(reports) == 3 + 3 + 1 + 1 + 0 + 2
    good = reports[reports["trial"] == "0000-good"]
    assert good["step"].tolist() == [10, 20, 30]
    assert good["val/accuracy"].tolist() == [0.3, 0.6, 0.5]
    assert reports["step"].dtype == np.int64


def test_history_without_reports_keeps_its_columns(empty_experiment):
    assert list(history(empty_experiment()).columns)[:3] == ["experiment", "trial", "step"]


def test_a_result_that_vanishes_is_a_run_that_goes_on(empty_experiment, write_run):
    folder = empty_experiment(status="running")
    run = write_run(folder / "trials" / "0000-a")
    (run / "result.json").unlink()
    assert load_runs(folder)["status"].tolist() == ["running"]


@pytest.mark.slow
def test_two_thousand_runs_load_in_seconds(empty_experiment, write_run):
    folder = empty_experiment()
    for i in range(2000):
        write_run(folder / "trials" / f"{i:04d}", accuracies=(0.1,) * 20)
    begun = time.monotonic()
    frame = load_runs(folder)
    assert len(frame) == 2000
    assert (
        time.monotonic() - begun < 20.0
    )  # some 3 s on one laptop core; the margin is for busy ones
    assert json.loads((folder / "experiment.json").read_text())["task"] == "listops"


def test_a_configuration_is_the_same_from_the_result_as_from_its_own_file(
    empty_experiment, write_run
):
    folder = empty_experiment()
    run = write_run(folder / "trials" / "0000-a", config={"model.dropout": 0.25})
    from_file = load_runs(folder)
    complete = load_run_config(run / "config.yaml").model_dump(mode="json")
    runs.update_result(run, config=complete)
    (run / "config.yaml").unlink()
    from_result = load_runs(folder)
    pd.testing.assert_frame_equal(from_result, from_file)


def test_reading_changes_nothing(experiment):
    def content():
        return {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in experiment.rglob("*")}

    before = content()
    load_runs(experiment)
    history(experiment)
    confirmations(experiment)
    assert content() == before
