"""A real search with every tracker, and a W&B that cannot be reached."""

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lru_tune.cli import guard
from lru_tune.cli.status import main as status
from lru_tune.cli.train import main as train
from lru_tune.cli.tune import main as tune
from lru_tune.files.run_directory import read_result
from lru_tune.search.exports.optuna_study import FILE

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "steps": 20,
    "eval_every": 5,
    "model.n_layers": 1,
    "model.d_model": 8,
    "model.d_hidden": 8,
    "tune.scheduler.kind": "none",
    "tune.resources.cpus": 1,
}


@pytest.mark.parametrize("command", [tune, train])
def test_wandb_is_refused_where_it_is_not_installed(capsys, monkeypatch, command):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert guard(command, ["--task", "copy", "--wandb", "offline"]) == 2
    assert "[api.wandb-not-installed]" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not importlib.util.find_spec("wandb"), reason="the wandb extra is missing")
def test_a_search_goes_on_without_the_server_of_wandb(capsys, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]  # nobody listens there afterwards
    words = [part for item in SETTINGS.items() for part in ("--set", "=".join(map(str, item)))]
    words += ["--task", "copy", "--synthetic", "--trials", "2", "--max-concurrent", "1"]
    words += ["--no-confirm", "--name", "x", "--wandb", "online", "--tensorboard"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "tune.py"), *words],
        cwd=tmp_path,
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "HOME": str(tmp_path / "home"),
            "WANDB_API_KEY": "0" * 40,
            "WANDB_BASE_URL": f"http://127.0.0.1:{port}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("W&B: 127.0.0.1 cannot be reached") == 1
    experiment = tmp_path / "runs" / "x"
    assert done.stdout.splitlines()[-1] == str(experiment)
    trials = sorted((experiment / "trials").iterdir())
    assert len(trials) == 2
    for trial in trials:
        assert read_result(trial)["status"] == "completed"
        assert list(trial.glob("wandb/offline-run-*/*.wandb"))
        assert list(trial.glob("tb/events.out.tfevents.*"))
    assert (experiment / FILE).stat().st_size > 0
    assert guard(status, [str(experiment)]) == 0
    assert "COMPLETED" in capsys.readouterr().out
