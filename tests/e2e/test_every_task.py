"""Each task from its data to a tuned model, as a user types it, on the synthetic twins."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from lru_tune.config.config_files import load_run_config
from lru_tune.tasks import TASKS

ROOT = Path(__file__).resolve().parents[2]
# Two passes over a twin's examples would take minutes for the longest sequences.
SHORT = ("steps=16", "eval_every=8", "tune.scheduler.grace=8", "tune.confirm.seeds=1")


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_a_quick_search_ends_with_a_confirmed_best_configuration(task, tmp_path):
    words = ["--task", task, "--quick", "--synthetic", "--trials", "2"]
    words += [word for setting in SHORT for word in ("--set", setting)]
    done = subprocess.run(
        [sys.executable, str(ROOT / "tune.py"), *words],
        cwd=tmp_path,
        env=os.environ | {"LRU_TUNE_DATA": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    experiment = Path(done.stdout.splitlines()[-1])
    best = load_run_config(experiment / "best.yaml")
    assert (best.task, best.steps) == (task, 16)
    trials = pd.read_csv(experiment / "trials.csv")
    assert len(trials) == 2
    assert trials["status"].isin(["completed", "stopped"]).all()
    assert trials["val/loss"].between(0.0, 10.0).all()
    confirmed = pd.read_csv(experiment / "confirm.csv")
    assert confirmed["test/accuracy"].between(0.0, 1.0).all()
    assert "synthetic" in (experiment / "report.md").read_text()
