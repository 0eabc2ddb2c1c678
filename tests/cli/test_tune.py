"""The command before any trial is started: what it refuses, plans and touches."""

import errno
import json
import os
from pathlib import Path

import pytest

from lru_tune import __version__
from lru_tune.cli import guard, main
from lru_tune.cli.commands import COMMANDS
from lru_tune.cli.tune import main as tune
from lru_tune.files import paths as layout
from lru_tune.files.experiment_folder import EXPERIMENT_FILE, SPACE_FILE
from lru_tune.search.record import write_record
from lru_tune.space.space import SearchSpace

LISTOPS = str(layout.search_space_file("listops"))


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("LRU_TUNE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LRU_TUNE_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("LRU_TUNE_RAW", raising=False)


def test_a_dry_run_plans_and_touches_nothing(capsys, tmp_path):
    assert guard(tune, ["--task", "copy", "--dry-run"]) == 0
    said = capsys.readouterr()
    for word in ("will be prepared", "trials", "scheduler", "confirmation", "steps"):
        assert word in said.err
    assert said.out.splitlines()[-1] == str(layout.search_space_file("copy"))
    assert not list(tmp_path.iterdir())


def test_a_plan_says_how_many_trials_share_a_device(capsys, tmp_path):
    words = ["--task", "copy", "--dry-run", "--lanes", "4", "--max-concurrent", "4"]
    assert guard(tune, [*words, "--gpus-per-trial", "0"]) == 0
    assert "4 at a time, in 4 lanes of 1 server, each with 1 CPU core" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ([], 2, "[cli.nothing-to-tune]"),
        (["--task", "copi", "--dry-run"], 2, "Did you mean 'copy'?"),
        (["--task", "copy", "--set", "optim.lr=1", "--dry-run"], 2, "learning_rate"),
        (["--task", "smnist", "--dry-run"], 3, "python -m data_prep prepare smnist"),
        (["--task", "smnist"], 3, "python -m data_prep prepare smnist"),
        (["--task", "copy", "--gpus-per-trial", "4", "--dry-run"], 4, "GPU"),
        (["--task", "copy", "--cpus-per-trial", "0", "--dry-run"], 2, "at least 1"),
        (["--task", "copy", "--lanes", "0", "--dry-run"], 2, "at least 1"),
        (
            [
                "--task",
                "copy",
                "--set",
                "tune.scheduler.kind=hyperband",
                "--lanes",
                "4",
                "--dry-run",
            ],
            2,
            "hyperband",
        ),
        (["--task", "copy", "--space", "nowhere.yaml"], 2, "[config.no-such-file]"),
        (["--space", ".", "--dry-run"], 2, "[config.folder-not-file]"),
        (["--task", "copy", "--name", "../copy", "--dry-run"], 2, "../copy"),
        (["--resume", "nowhere"], 2, "nowhere"),
        (["--resume", "last"], 2, "[api.no-experiments]"),
        (["--task", "copy", "--space", LISTOPS], 2, "[api.task-mismatch]"),
    ],
)
def test_what_cannot_be_done_ends_with_its_exit_code(capsys, words, code, text):
    assert guard(tune, words) == code
    said = capsys.readouterr()
    assert said.err.startswith("error: ") or "\nerror: " in said.err
    assert text in said.err


def test_a_plan_that_does_not_fit_is_refused_before_anything_is_begun(capsys, tmp_path):
    words = ["--task", "copy", "--synthetic", "--quick", "--cpus-per-trial", "4096"]
    assert guard(tune, words) == 4
    assert "4096" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())


@pytest.fixture
def experiment(tmp_path) -> Path:
    folder = tmp_path / "runs" / "copy-1"
    folder.mkdir(parents=True)
    (folder / SPACE_FILE).write_text(SearchSpace.load("copy", scale="quick").to_yaml())
    about = {"task": "copy", "variant": "lru", "synthetic": False}
    write_record(folder, status="interrupted", data_root=str(tmp_path / "data"), **about)
    return folder


def test_a_changed_space_is_not_resumed_and_the_difference_is_named(capsys, experiment):
    assert guard(tune, ["--resume", "last", "--seed", "7"]) == 2
    assert "tune.searcher.seed: 0 -> 7" in capsys.readouterr().err


@pytest.mark.parametrize("change", ["trials=7", "confirm.top=2", "confirm.seeds=9"])
def test_a_search_may_be_extended(capsys, experiment, change):
    # The space is accepted; what is missing are the data.
    assert guard(tune, ["--resume", "last", "--set", f"tune.{change}"]) == 3
    assert "prepare copy" in capsys.readouterr().err


def test_resuming_without_the_data_says_how_to_prepare_them(capsys, experiment):
    assert guard(tune, ["--resume", str(experiment)]) == 3
    assert "prepare copy" in capsys.readouterr().err


def test_the_newest_experiment_is_the_last(capsys, experiment):
    older = experiment.parent / "zz-older"
    older.mkdir()
    record = json.loads((experiment / EXPERIMENT_FILE).read_text())
    (older / EXPERIMENT_FILE).write_text(
        json.dumps(record | {"created": "2001-01-01T00:00:00+00:00"})
    )
    assert guard(tune, ["--resume", "last", "--seed", "7"]) == 2
    assert str(experiment) in capsys.readouterr().err


def test_an_experiment_is_resumed_by_its_name(capsys, experiment):
    assert guard(tune, ["--resume", experiment.name, "--seed", "7"]) == 2
    said = capsys.readouterr().err
    assert str(experiment) in said
    assert "[search.changed-space]" in said


def test_the_front_door_knows_its_commands(capsys):
    assert main(["--version"]) == 0
    assert main(["tunne"]) == 2
    said = capsys.readouterr().err
    assert "Did you mean 'tune'?" in said
    assert "[cli.unknown-command]" in said
    assert main([]) == 2
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out.split("\n")
    assert {
        name for name in COMMANDS if sum(x.startswith(f"  {name} ") for x in listed) != 1
    } == set()
    assert main(["tune", "--task", "copy", "--quick", "--dry-run"]) == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_calls_itself_what_was_typed(capsys, command):
    with pytest.raises(SystemExit) as left:
        main([command, "--no-such-flag"])
    assert left.value.code == 2
    assert f"usage: lru-tune {command} " in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_tells_its_version(capsys, command):
    with pytest.raises(SystemExit) as left:
        main([command, "--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"lru-tune {__version__}\n"


def test_a_runs_root_that_is_a_file_is_refused_before_data_are_prepared(capsys, tmp_path):
    (tmp_path / "file").touch()
    words = ["--task", "copy", "--quick", "--data-root", str(tmp_path / "data")]
    assert guard(tune, [*words, "--runs-root", str(tmp_path / "file")]) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_an_interruption_is_130(capsys):
    def interrupted(argv):
        raise KeyboardInterrupt

    assert guard(interrupted) == 130
    assert "[cli.interrupted-early]" in capsys.readouterr().err


def test_a_full_disk_is_a_missing_resource(capsys):
    def command(_argv):
        raise OSError(errno.ENOSPC, "No space left on device", "runs/x/metrics.csv")

    assert guard(command) == 4
    said = capsys.readouterr().err
    assert "'runs/x/metrics.csv'" in said
    assert "[cli.disk-full]" in said


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_place_that_may_not_be_written_is_named(capsys, number):
    def command(_argv):
        raise OSError(number, os.strerror(number), "/theirs/report.md")

    assert guard(command) == 4
    said = capsys.readouterr().err
    assert "'/theirs/report.md'" in said
    assert "[cli.not-permitted]" in said


def test_any_other_failure_of_a_file_is_no_users_error():
    def command(_argv):
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(PermissionError):
        guard(command)
