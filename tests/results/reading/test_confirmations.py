import pandas as pd
import pytest

from lru_tune.errors import ConfigError
from lru_tune.results import confirmations, load_runs


def test_every_confirmation_run_names_the_trial_it_repeats(experiment):
    frame = confirmations(experiment)
    assert dict(zip(frame["run"], frame["trial"], strict=True)) == {
        "00-seed100": "0000-good",
        "00-seed101": "0000-good",
        "01-seed100": "0001-fair",
        "01-seed101": "0001-fair",
    }
    assert frame["test/accuracy"].tolist() == pytest.approx([0.53, 0.43, 0.50, 0.52])
    assert pd.api.types.is_string_dtype(frame["run"])
    assert frame["seed"].dtype == "Int64"


def test_a_confirmation_of_no_known_trial_is_kept_without_a_name(experiment, write_run):
    write_run(experiment / "confirm" / "02-seed100", config={"model.dropout": 0.3})
    frame = confirmations(experiment).set_index("run")
    assert pd.isna(frame.loc["02-seed100", "trial"])
    assert len(frame) == 5


def test_experiments_are_read_together_each_with_its_own_trials(
    experiment, empty_experiment, write_run
):
    other = empty_experiment("listops-2")
    write_run(other / "trials" / "0000-other")
    write_run(other / "confirm" / "00-seed7", config={"seed": 7})
    expected = [("listops-1", "0000-good"), ("listops-1", "0001-fair"), ("listops-2", "0000-other")]
    for paths in (experiment.parent, [experiment, other]):
        frame = confirmations(paths)
        assert sorted(set(zip(frame["experiment"], frame["trial"], strict=True))) == expected
    assert len(load_runs([experiment, other])) == 8


def test_without_a_confirmation_there_are_typed_columns_and_no_rows(empty_experiment):
    frame = confirmations(empty_experiment())
    assert frame.empty
    assert {"run", "trial", "test/accuracy"} <= set(frame.columns)
    assert frame["seed"].dtype == "Int64"


def test_a_folder_without_experiments_is_a_clear_error(tmp_path):
    with pytest.raises(ConfigError) as refused:
        confirmations(tmp_path)
    assert refused.value.code == "results.no-experiments"
    with pytest.raises(ConfigError) as refused:
        confirmations(tmp_path / "nowhere")
    assert refused.value.code == "results.no-folder"
