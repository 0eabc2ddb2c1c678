"""A search without JAX: a small space, a scripted training, one Ray for all tests."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).resolve().parent
# Ray's workers import the script by its name as well, and inherit this.
sys.path.insert(0, str(HERE))
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(HERE), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
)

SPACE: dict[str, Any] = {
    "schema": 1,
    "task": "copy",
    "variant": "lru",
    "base": {
        "model": {"pooling": "none"},
        "steps": 90,
        "eval_every": 10,
        "data": {"batch_size": 10},
    },
    "search": {"optim.learning_rate": {"uniform": [0.1, 0.9]}},
    "tune": {
        "trials": 9,
        "scheduler": {"kind": "asha", "grace": 10, "reduction_factor": 3},
        "searcher": {"kind": "random", "seed": 3},
        "confirm": {"top": 2, "seeds": 2},
    },
}


@pytest.fixture
def make_space(tmp_path: Path) -> Callable[..., Any]:
    """Return a function that makes a space, some of the usual one's entries replaced."""
    from lru_tune.config.dotted import flatten, nest
    from lru_tune.space.space import SearchSpace

    def make(
        *, search: dict | None = None, constraints: tuple[str, ...] = (), **changes: Any
    ) -> Any:
        content = {key: value for key, value in SPACE.items() if key != "search"}
        content = nest(flatten(content) | {k.replace("__", "."): v for k, v in changes.items()})
        content |= {"search": search or SPACE["search"], "constraints": list(constraints)}
        path = tmp_path / "space-under-test.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return SearchSpace.load(path)

    return make


@pytest.fixture
def task(tmp_path: Path) -> Any:
    """A prepared task that has a manifest and no arrays."""
    from scripted_task import scripted_task

    return scripted_task(tmp_path / "data")
