import csv

import pytest
import yaml

from lru_tune.cli.report import main
from lru_tune.config.config_files import load_run_config
from lru_tune.config.schema import RunConfig
from lru_tune.errors import ConfigError
from lru_tune.results import write_tables


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_trials_csv_has_every_trial_in_order_and_no_path_of_this_machine(experiment):
    write_tables(experiment)
    rows = rows_of(experiment / "trials.csv")
    assert [row["trial"][:4] for row in rows] == [f"{i:04d}" for i in range(7)]
    columns = list(rows[0])
    assert columns[:7] == [
        "trial",
        "status",
        "steps",
        "best_step",
        "val/accuracy",
        "val/loss",
        "seconds",
    ]
    assert columns[10:] == sorted(c for c in columns if c.startswith("config/"))
    assert str(experiment) not in (experiment / "trials.csv").read_text()
    assert "test/accuracy" not in columns


def test_confirm_csv_names_the_trial_that_each_run_repeats(experiment):
    write_tables(experiment)
    rows = rows_of(experiment / "confirm.csv")
    assert [(row["run"], row["trial"], row["seed"]) for row in rows] == [
        ("00-seed100", "0000-good", "100"),
        ("00-seed101", "0000-good", "101"),
        ("01-seed100", "0001-fair", "100"),
        ("01-seed101", "0001-fair", "101"),
    ]
    assert float(rows[0]["test/accuracy"]) == pytest.approx(0.53)


def test_writing_again_changes_nothing(experiment):
    names = ("trials.csv", "confirm.csv", "best.yaml", "report.md")
    write_tables(experiment)
    before = [(experiment / name).read_bytes() for name in names]
    write_tables(experiment)
    assert [(experiment / name).read_bytes() for name in names] == before


def test_the_report_says_what_won_by_how_much_and_how_sure(experiment):
    text = write_tables(experiment).report.read_text()
    assert "`0000-good` with val/accuracy 0.6 at step 20 of 30" in text
    # mean of 0.55 and 0.45, and ten points below the search's 0.6
    assert "| 0000-good | 60.00% | 50.00% ± 7.07% | +10.00 points | 48.00% ± 7.07% | 2 |" in text
    assert "Over seeds, `0001-fair` has a better mean" in text
    assert "chance level: 20.00%" in text
    assert "diverged at step 12" in text
    assert "out of memory" in text
    assert "| `optim.learning_rate` | loguniform | 0.0001, 0.01 |" in text
    assert "lru-tune train --config runs/listops-1/best.yaml" in text
    assert "tune --resume" not in text
    assert "1 h 02 min" in text


def test_quick_and_synthetic_are_stamped_on_everything(empty_experiment, write_run):
    folder = empty_experiment(scale="quick", synthetic=True, status="interrupted")
    write_run(folder / "trials" / "0000-a")
    written = write_tables(folder)
    text = written.report.read_text()
    assert "quick: not comparable with published numbers" in text
    assert "synthetic data: not comparable" in text
    assert "quick: not comparable" in written.summary
    assert "not comparable" in (folder / "best.yaml").read_text()
    assert "lru-tune tune --resume runs/listops-1" in text


def test_validation_on_the_test_split_is_stamped_on_everything(empty_experiment, write_run):
    folder = empty_experiment(data={"chance": 0.5, "protocol": "lra-legacy"})
    write_run(folder / "trials" / "0000-a")
    written = write_tables(folder)
    for text in (
        written.report.read_text(),
        written.summary,
        (folder / "best.yaml").read_text(),
    ):
        assert "protocol lra-legacy: validation is the test split" in text
    assert load_run_config(folder / "best.yaml").task == "listops"


def test_an_experiment_without_success_has_a_report_and_no_best_file(empty_experiment, write_run):
    folder = empty_experiment()
    write_run(folder / "trials" / "0000-a", status="failed", accuracies=(), error="boom")
    text = write_tables(folder).report.read_text()
    assert not (folder / "best.yaml").exists()
    assert not (folder / "confirm.csv").exists()
    assert "None: no trial has completed" in text
    assert "boom" in text


def test_an_experiment_without_trials_has_a_report(empty_experiment):
    text = write_tables(empty_experiment(status="running")).report.read_text()
    assert "trials: 0" in text


def test_the_command_prints_the_report_last_and_the_summary_aside(experiment, capsys):
    assert main([str(experiment)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [str(experiment / name) for name in ("report.md", "report.html")]
    assert "best: 0000-good" in err
    assert "test/accuracy 48.00% ± 7.07% (n = 2)" in err


def test_the_command_finds_an_experiment_by_its_name(experiment, monkeypatch, capsys):
    monkeypatch.setenv("LRU_TUNE_RUNS", str(experiment.parent))
    assert main(["listops-1"]) == 0
    assert str(experiment) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "files.not-an-experiment"),
        ("{", "files.not-json"),
        ('{"status": "completed"}', "files.missing-entries"),
    ],
)
def test_a_folder_that_is_no_experiment_is_an_error(tmp_path, content, code):
    if content is not None:
        (tmp_path / "experiment.json").write_text(content)
    with pytest.raises(ConfigError) as refused:
        main([str(tmp_path)])
    assert refused.value.code == code


def test_best_yaml_is_a_valid_configuration(experiment):
    write_tables(experiment)
    config = RunConfig.model_validate(yaml.safe_load((experiment / "best.yaml").read_text()))
    assert config.model.n_layers == 4
