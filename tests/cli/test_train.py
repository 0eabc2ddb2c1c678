"""`lru-tune train` as a user runs it, and what it refuses."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data_prep import Request, prepare
from lru_tune.cli import guard
from lru_tune.cli.train import main as train
from lru_tune.files import run_directory as runs

COMMAND = "import sys; from lru_tune.cli import main; sys.exit(main())"
SMALL = (
    "model.n_layers=1",
    "model.d_model=8",
    "model.d_hidden=8",
    "data.batch_size=16",
    "steps=40",
    "eval_every=10",
)


def start(folder: Path, *words: str) -> subprocess.Popen:
    """Start the command in a process of its own: it may replace its process to set up its allocator."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "train", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def small(*words: str) -> list[str]:
    settings = [part for setting in SMALL for part in ("--set", setting)]
    return ["--task", "copy", "--synthetic", *settings, *words]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], "[cli.nothing-to-train]"),
        (["--task", "copi"], "Did you mean 'copy'?"),
        (["--task", "copy", "--set", "optim.lrr=1"], "Did you mean 'learning_rate'?"),
        (["--task", "copy", "--set", "optim.learning_rate=fast"], "--set optim.learning_rate=fast"),
        (["--resume", "nowhere"], "[api.not-a-run]"),
        (["--resume", "nowhere", "--seed", "0"], "[cli.resume-with-changes]"),
        (["--resume", "nowhere", "--task", "copy"], "[cli.resume-with-changes]"),
        (["--task", "copy", "--cpus", "0"], "[api.too-small]"),
        (["--task", "copy", "--config", "best.yaml"], "[api.task-mismatch]"),
    ],
)
def test_a_wrong_command_ends_with_2_and_says_what_is_wrong(
    capsys, tmp_path, monkeypatch, words, found
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "best.yaml").write_text("{task: listops, steps: 1}")
    assert guard(train, words) == 2
    assert found in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_prints_its_directory_and_reads_the_test_split_when_asked(tmp_path):
    process = start(tmp_path, *small("--test", "--name", "one"))
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    run_dir = Path(out.splitlines()[-1])
    assert run_dir == tmp_path / "runs" / "one"
    result = runs.read_result(run_dir)
    assert result["status"] == "completed"
    assert 0.4 < result[runs.TEST_ACCURACY] <= 1
    assert err.count("val/accuracy") == 4


@pytest.mark.slow
def test_validation_on_the_test_split_is_stamped(tmp_path):
    prepare(Request("imdb", tmp_path / "data", synthetic=True, protocol="lra-legacy"))
    config = tmp_path / "config.yaml"
    config.write_text("{task: imdb, data: {max_length: 256}}")
    process = start(tmp_path, *small("--config", str(config), "--name", "one")[2:])
    _, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert "note: protocol lra-legacy: validation is the test split" in err
    assert runs.read_result(tmp_path / "runs" / "one")["data"]["protocol"] == "lra-legacy"


@pytest.mark.slow
def test_a_stopped_run_says_how_to_go_on_and_does(tmp_path):
    process = start(tmp_path, *small("--name", "two", "--set", "steps=100000"))
    for line in process.stderr:
        if "val/accuracy" in line:
            process.send_signal(signal.SIGTERM)
            break
    _, err = process.communicate(timeout=100)
    assert process.returncode == 130
    run_dir = tmp_path / "runs" / "two"
    assert f"lru-tune train --resume {run_dir}" in err
    assert runs.read_result(run_dir)["status"] == "interrupted"
    before = runs.read_metrics(run_dir)

    process = start(tmp_path, "--resume", run_dir.name)  # it knows that its data are synthetic
    for _ in range(2):
        process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=100)
    after = runs.read_metrics(run_dir)
    assert len(after) > len(before)
    assert after[: len(before)] == before
