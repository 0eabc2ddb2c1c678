"""A search of twenty-four trials under successive halving, with a confirmation."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from lru_tune.files import run_directory as runs
from lru_tune.results import history, load_runs

STEPS = 90
SPACE: dict[str, Any] = {
    "schema": 1,
    "task": "listops",
    "variant": "lru",
    "base": {"steps": STEPS},
    "search": {
        "optim.learning_rate": {"loguniform": [1e-4, 1e-2]},
        "model.recurrence.r_max": {"one_minus_loguniform": [1e-4, 1e-1]},
        "model.n_layers": {"choice": [2, 4]},
    },
    "tune": {
        "scheduler": {"kind": "asha", "grace": 10, "reduction_factor": 3},
        "resources": {"gpus": 0.5, "cpus": 2.0},
    },
}
RECORD = {
    "status": "completed",
    "task": "listops",
    "variant": "lru",
    "metric": "val/accuracy",
    "mode": "max",
    "seconds": 300.0,
    "device": "cpu: cpu",
    "data": {"fingerprint": "0123456789ab", "chance": 0.1},
}


@pytest.fixture
def searched(tmp_path: Path, shared_search: Path) -> Path:
    """A copy of `shared_search` that a test may change."""
    return shutil.copytree(shared_search, tmp_path / "runs" / shared_search.name)


@pytest.fixture(scope="session")
def shared_search(tmp_path_factory: pytest.TempPathFactory, write_run: Callable[..., Path]) -> Path:
    """An experiment: six trials completed, sixteen were stopped at two rungs, one diverged, one failed."""
    folder = tmp_path_factory.mktemp("search") / "runs" / "listops-1"
    (folder / "trials").mkdir(parents=True)
    (folder / "experiment.json").write_text(json.dumps(RECORD))
    (folder / "space.yaml").write_text(yaml.safe_dump(SPACE, sort_keys=False))
    rng = np.random.default_rng(0)
    configs = []
    for number in range(24):
        rate = 10 ** rng.uniform(-4, -2)
        config = {
            "optim.learning_rate": rate,
            "model.recurrence.r_max": 1 - 10 ** rng.uniform(-4, -1),
            "model.n_layers": int(rng.choice([2, 4])),
            "steps": STEPS,
        }
        configs.append(config)
        reports, status, more = 9, "completed", {}
        if number % 4:
            reports, status = (1 if number % 2 else 3), "stopped"
        if number in (1, 2):
            status = "diverged" if number == 1 else "failed"
            reports, more = number % 2, {"error": "loss is not finite"}
        top = 0.8 - 0.2 * abs(math.log10(rate) + 2.7) + 0.02 * rng.normal()
        run = write_run(
            folder / "trials" / f"{number:04d}-t",
            status=status,
            accuracies=tuple(float(top * (1 - math.exp(-(i + 1) / 3))) for i in range(reports)),
            config=config,
            **more,
        )
        pace = 40.0 + number
        for row in (rows := runs.read_metrics(run)):
            row[runs.EXAMPLES_PER_SECOND] = pace
        runs.write_metrics(run, rows)
    for seed in (100, 101, 102):
        write_run(
            folder / "confirm" / f"00-seed{seed}",
            accuracies=(0.3, 0.6 + 0.01 * (seed - 100)),
            config=configs[0] | {"seed": seed},
            **{"test/accuracy": 0.58 + 0.02 * (seed - 100), "test/loss": 1.0},
        )
    return folder


@pytest.fixture(scope="session")
def shared_frames(shared_search: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Its trials and reports."""
    return load_runs(shared_search), history(shared_search)


@pytest.fixture
def trials(shared_frames: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    """Its trials; a test may change the frame."""
    return shared_frames[0].copy()


@pytest.fixture
def reports(shared_frames: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    """Its reports; a test may change the frame."""
    return shared_frames[1].copy()


@pytest.fixture
def search() -> dict[str, dict[str, list[Any]]]:
    """What it searched."""
    return SPACE["search"]
