"""An experiment with one trial of every fate."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

SPACE = {
    "schema": 1,
    "task": "listops",
    "variant": "lru",
    "search": {
        "optim.learning_rate": {"loguniform": [1e-4, 1e-2]},
        "model.recurrence.r_max": {"one_minus_loguniform": [1e-4, 1e-1]},
        "model.n_layers": {"choice": [2, 4]},
    },
}
RECORD = {
    "status": "completed",
    "task": "listops",
    "variant": "lru",
    "scale": "full",
    "synthetic": False,
    "metric": "val/accuracy",
    "mode": "max",
    "seconds": 3725.0,
    "device": "cpu: cpu",
    "data": {"fingerprint": "0123456789ab", "chance": 0.2, "counts": {"train": 100}},
    "something_newer": 1,
}


@pytest.fixture
def empty_experiment(tmp_path: Path) -> Callable[..., Path]:
    """A function that makes an experiment without trials; keywords replace fields of experiment.json."""

    def make(name: str = "listops-1", **record: object) -> Path:
        folder = tmp_path / "runs" / name
        (folder / "trials").mkdir(parents=True)
        (folder / "experiment.json").write_text(json.dumps(RECORD | record))
        (folder / "space.yaml").write_text(yaml.safe_dump(SPACE, sort_keys=False))
        return folder

    return make


@pytest.fixture
def experiment(empty_experiment: Callable[..., Path], write_run: Callable[..., Path]) -> Path:
    """One trial of every fate, and a confirmation of the best two over two seeds."""
    folder = empty_experiment()
    trials = folder / "trials"
    best = {"optim.learning_rate": 0.002, "model.n_layers": 4}
    second = {"optim.learning_rate": 0.001}
    write_run(trials / "0000-good", accuracies=(0.3, 0.6, 0.5), config=best)
    write_run(trials / "0001-fair", accuracies=(0.3, 0.4, 0.5), config=second)
    write_run(trials / "0002-stopped", status="stopped", accuracies=(0.7,), config={"steps": 30})
    write_run(
        trials / "0003-diverged",
        status="diverged",
        accuracies=(0.9,),
        error="diverged at step 12: first non-finite value in loss",
    )
    write_run(trials / "0004-failed", status="failed", accuracies=(), error="out of\nmemory")
    write_run(trials / "0005-killed", status=None, accuracies=(0.1, 0.3))
    (trials / "0006-silent").mkdir()
    for place in (trials / "0005-killed", trials / "0006-silent"):
        os.utime(place, (time.time() - 7200,) * 2)
    for number, (config, scores) in enumerate(((best, (0.55, 0.45)), (second, (0.52, 0.54)))):
        for seed, score in enumerate(scores, start=100):
            write_run(
                folder / "confirm" / f"{number:02d}-seed{seed}",
                accuracies=(0.2, score, 0.4),
                config=config | {"seed": seed},
                **{"test/accuracy": score - 0.02, "test/loss": 1.0},
            )
    return folder
