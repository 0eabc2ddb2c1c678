from pathlib import Path

import pytest

from data_prep import ensure_prepared
from lru_tune.config.schema import (
    DataConfig,
    DiagonalRecurrence,
    ModelConfig,
    OptimConfig,
    RunConfig,
)
from lru_tune.training.loop import train


@pytest.fixture(scope="session")
def twins(tmp_path_factory) -> Path:
    """A data root that holds the synthetic twins of copy and ListOps."""
    root = tmp_path_factory.mktemp("twins")
    for task in ("copy", "listops"):
        ensure_prepared(task, root, synthetic=True)
    return root / "synthetic"


@pytest.fixture(scope="session")
def config() -> RunConfig:
    """A tiny run on the copy twin: 5 reports of 6 steps, in epochs of 16 steps.

    Tests that train or evaluate it share its compiled programs; a change of a field that is not traced costs
    a compilation.
    """
    return RunConfig(
        task="copy",
        steps=28,
        eval_every=6,
        seed=3,
        model=ModelConfig(
            n_layers=2,
            d_model=12,
            d_hidden=10,
            dropout=0.1,
            pooling="none",
            recurrence=DiagonalRecurrence(r_min=0.5, r_max=0.99),
        ),
        optim=OptimConfig(learning_rate=4e-3),
        data=DataConfig(batch_size=16),
    )


@pytest.fixture(scope="session")
def completed(config, twins, tmp_path_factory) -> Path:
    """The run directory of `config`, trained without a break; do not write into it."""
    run_dir = tmp_path_factory.mktemp("completed") / "run"
    reports = list(train(config, data_root=twins, run_dir=run_dir))
    assert [report.step for report in reports] == [6, 12, 18, 24, 28]
    assert [report.last for report in reports] == [False] * 4 + [True]
    return run_dir
