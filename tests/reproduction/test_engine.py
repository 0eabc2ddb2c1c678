"""Cells over a scripted training: what is run, what is not run again, what is never opened."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from scripted_training import EXECUTED, TEST_READ

from lru_tune.files import run_directory as runs
from lru_tune.reproduction.cells import CellPlan
from lru_tune.reproduction.engine import Options, run_on
from lru_tune.reproduction.outcome import cell_result, cell_runs
from lru_tune.reproduction.rates import known_rate, rate_search_runs
from lru_tune.reproduction.store import Store
from lru_tune.search.ray.resources import ResourceRequest

RATES = (0.1, 0.2, 0.3, 0.9)


@pytest.fixture(scope="session")
def run_cells(machine):
    """A function that runs cells in the session's Ray and returns the lines it logged."""

    def run_cells(cells, store, data_root, seeds: int = 2) -> list[str]:
        lines: list[str] = []
        options = Options(
            str(data_root),
            requested=ResourceRequest(max_concurrent=1),
            training="scripted_training",
        )
        run_on(machine, cells, seeds, store, options, lines.append)
        return lines

    return run_cells


@pytest.fixture
def run(run_cells, store, data_root):
    """Run cells in the store of the test."""
    return lambda cells, seeds=2: run_cells(cells, store, data_root, seeds)


class Finished(NamedTuple):
    """A cell that was run with two seeds, and a function that runs more in its store."""

    cell: CellPlan
    store: Store
    data_root: Path
    lines: list[str]
    run: Callable[..., list[str]]


@pytest.fixture(scope="module")
def finished(run_cells, plan, make_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    store = make_store(folder)
    (cell,) = plan(1, "RNN-Lin", rates=RATES)
    cell = replace(cell, rates=RATES[::-1])  # the best first, so that the others are stopped

    def run(cells, seeds=2):
        return run_cells(cells, store, folder, seeds)

    return Finished(cell, store, folder, run([cell]), run)


def executed(store) -> dict[str, list[int]]:
    """Return run -> the steps it really executed, in order."""
    logs = sorted(store.root.glob(f"runs/*/{EXECUTED}"))
    return {log.parent.name: [int(line) for line in log.read_text().split()] for log in logs}


def split_reads(data_root) -> list[str]:
    return sorted((data_root / TEST_READ).read_text().split())


def test_rates_are_searched_on_validation_then_seeds_run(finished):
    cell, store = finished.cell, finished.store
    assert any("learning rate 0.9, best of 4 on validation" in line for line in finished.lines)
    assert known_rate(cell, store).rate == 0.9
    first = executed(store)
    searched = {run.run_dir.name for run in rate_search_runs(cell, store)}
    counted = {run.run_dir.name for run in cell_runs(cell, 2, store).planned}
    assert set(first) == searched | counted
    assert all(first[name] == list(range(0, 90, 10)) for name in counted)
    assert split_reads(finished.data_root) == sorted(f"runs/{name}" for name in counted)


def test_a_rate_search_stops_weak_rates_early(finished):
    planned = rate_search_runs(finished.cell, finished.store)
    statuses = [runs.read_result(run.run_dir)["status"] for run in planned]
    assert statuses[0] == "completed"
    assert "stopped" in statuses
    lengths = [len(executed(finished.store)[run.run_dir.name]) for run in planned]
    assert lengths[0] == 9
    assert min(lengths) < 9


def test_tables_that_share_a_cell_share_its_runs(finished, plan):
    before = executed(finished.store)
    rows = (6, "RNN-Lin"), (7, "Dense A"), (8, "Linear Dense RNN")
    finished.run([cell for row in rows for cell in plan(*row, rates=RATES)])
    assert executed(finished.store) == before


def test_nothing_is_run_twice_and_seeds_can_be_added(finished):
    first = executed(finished.store)
    finished.run([finished.cell])
    assert executed(finished.store) == first
    finished.run([finished.cell], seeds=3)
    added = executed(finished.store)
    assert {name: steps for name, steps in added.items() if name in first} == first
    assert len(added) == len(first) + 1
    assert len(cell_result(finished.cell, 3, finished.store).accuracies) == 3


def test_rows_that_agree_in_everything_are_run_once(run, plan, store):
    """On ListOps the tuned ring of Table 2 is the whole disk."""
    run(plan(2, "Lambda Stable Exp", "+ Ring Init", rates=(0.5,)), seeds=2)
    assert len(executed(store)) == 2


@pytest.mark.slow
def test_a_broken_run_is_tried_again_by_the_next_call_and_the_others_count(
    run, plan, store, data_root
):
    (cell,) = plan(1, "RNN-Lin", rates=(0.5,))
    broken = cell_runs(cell, 2, store).planned[0].run_dir
    (data_root / "refuse").write_text(broken.name)
    run([cell])
    found = cell_result(cell, 2, store)
    assert (found.failed, found.completed) == (1, 1)

    (data_root / "refuse").unlink()
    run([cell])
    found = cell_result(cell, 2, store)
    assert (found.failed, found.completed) == (0, 2)


@pytest.mark.slow
def test_a_cell_whose_every_rate_diverges_is_run_with_the_smallest_and_guesses(run, plan, store):
    (cell,) = plan(1, "RNN-Lin", sets=("optim.weight_decay=0.5",))
    run([cell])
    found = cell_result(cell, 2, store)
    assert found.chosen == (0.2, "smallest of 3, all of which diverged")
    assert (found.diverged, found.completed, found.waiting) == (2, 0, 0)
