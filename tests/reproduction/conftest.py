"""Reproductions without JAX: cells of the real tables, shortened, over the search's scripted training."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parent / "search"
# Ray's workers import the script by its name as well, and inherit this.
sys.path[:0] = [str(HERE), str(SCRIPTS)]
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(SCRIPTS), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
)


@pytest.fixture
def data_root(tmp_path: Path) -> Path:
    """Where the scripted training looks for the files that make it misbehave."""
    root = tmp_path / "data"
    root.mkdir()
    return root


@pytest.fixture(scope="session")
def make_store() -> Callable[[Path], Any]:
    """A function that makes a store in a folder; it knows the data of listops."""
    from lru_tune.reproduction.store import Store, TaskData

    data = {"listops": TaskData("fingerprint1", chance=0.2, train_examples=100)}
    return lambda folder: Store(folder / "reproductions", data)


@pytest.fixture
def store(tmp_path: Path, make_store: Callable[[Path], Any]) -> Any:
    """A store of its own for a test."""
    return make_store(tmp_path)


@pytest.fixture(scope="session")
def plan() -> Callable[..., list[Any]]:
    """A function that plans short listops cells of a table: `plan(1, "RNN-Lin", rates=(0.5,))`."""
    from lru_tune.paper.tables import load_table
    from lru_tune.reproduction.cells import choose_columns, choose_rows, plan_cells
    from lru_tune.reproduction.scale import Setting

    short = ("steps=90", "eval_every=10", "data.batch_size=10")

    def make(
        number: int, *rows: str, rates: tuple[float, ...] = (0.2, 0.5, 0.9), sets: tuple = ()
    ) -> list[Any]:
        table = load_table(number)
        setting = Setting(overrides=short + sets, rates=rates)
        columns = choose_columns(table, ["listops"])
        cells = plan_cells(table, choose_rows(table, rows), columns, setting)
        return [cell.with_length(100) for cell in cells]

    return make
