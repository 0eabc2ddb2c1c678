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


@pytest.fixture(scope="session")
def twins(tmp_path_factory) -> Path:
    """A data root that holds the synthetic twins of copy and ListOps."""
    root = tmp_path_factory.mktemp("twins")
    for task in ("copy", "listops"):
        ensure_prepared(task, root, synthetic=True)
    return root / "synthetic"


@pytest.fixture
def config() -> RunConfig:
    """A tiny run on the copy twin: 5 reports of 6 steps, in epochs of 16 steps."""
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
