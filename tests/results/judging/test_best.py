from pathlib import Path

import pytest
import yaml

from lru_tune.config.schema import RunConfig
from lru_tune.errors import NoTrialSucceeded
from lru_tune.results import best_run, load_runs, ranked, write_best_config


def test_a_completed_trial_is_best_even_where_others_scored_higher(experiment):
    assert best_run(load_runs(experiment))["trial"] == "0000-good"


def test_the_order_is_completed_unfinished_diverged_failed(experiment):
    assert ranked(load_runs(experiment))["trial"].tolist() == [
        "0000-good",
        "0001-fair",
        "0002-stopped",
        "0005-killed",
        "0006-silent",
        "0003-diverged",
        "0004-failed",
    ]


def test_a_loss_is_minimised(experiment, write_run):
    write_run(experiment / "trials" / "0007-loss", **{"val/loss": 0.01, "val/accuracy": 0.1})
    assert best_run(load_runs(experiment), "val/loss", "min")["trial"] == "0007-loss"


def test_a_stopped_trial_is_chosen_where_none_completed(empty_experiment, write_run):
    folder = empty_experiment()
    write_run(folder / "trials" / "0000-a", status="stopped", accuracies=(0.3,))
    write_run(folder / "trials" / "0001-b", status="stopped", accuracies=(0.4,))
    assert best_run(load_runs(folder))["trial"] == "0001-b"


def test_without_a_usable_trial_the_error_counts_them(empty_experiment, write_run):
    folder = empty_experiment()
    write_run(folder / "trials" / "0000-a", status="diverged")
    write_run(folder / "trials" / "0001-b", status="failed", accuracies=())
    with pytest.raises(NoTrialSucceeded) as refused:
        best_run(load_runs(folder))
    assert refused.value.code == "results.no-best-run"
    assert refused.value.problems[0].values["counts"] == "1 diverged, 1 failed"


def test_the_written_file_is_the_complete_configuration_with_its_origin(experiment, tmp_path):
    row = best_run(load_runs(experiment))
    write_best_config(row, tmp_path / "best.yaml", remark="quick: not comparable")
    text = (tmp_path / "best.yaml").read_text()
    config = RunConfig.model_validate(yaml.safe_load(text))
    assert config.optim.learning_rate == 0.002
    assert config.model.n_layers == 4
    assert config.steps == 30
    comments = [line for line in text.splitlines() if line.startswith("#")]
    for word in ("listops-1", "0000-good", "val/accuracy: 0.6", "step 20 of 30", "quick"):
        assert any(word in line for line in comments), word
    assert Path(row["path"], "config.yaml").read_text() in text
