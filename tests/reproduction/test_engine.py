"""Cells over a scripted training: what is run, what is not run again, what is never opened."""

import pytest
from scripted_training import EXECUTED, TEST_READ

from lru_tune.files import run_directory as runs
from lru_tune.reproduction.engine import Options, run_on
from lru_tune.reproduction.outcome import cell_result, cell_runs
from lru_tune.reproduction.rates import known_rate, rate_search_runs
from lru_tune.search.ray.resources import ResourceRequest


@pytest.fixture
def run(machine, store, data_root):
    """Run cells in the session's Ray; return what was said."""

    def run(cells, seeds: int = 2) -> list[str]:
        said: list[str] = []
        options = Options(
            str(data_root),
            requested=ResourceRequest(max_concurrent=1),
            training="scripted_training",
        )
        run_on(machine, cells, seeds, store, options, said.append)
        return said

    return run


def executed(store) -> dict[str, list[int]]:
    """Return run -> the steps it really executed, in order."""
    logs = sorted(store.root.glob(f"runs/*/{EXECUTED}"))
    return {log.parent.name: [int(line) for line in log.read_text().split()] for log in logs}


def split_reads(data_root) -> list[str]:
    return sorted((data_root / TEST_READ).read_text().split())


def test_rates_race_on_validation_then_seeds_run_and_nothing_is_run_twice(
    run, plan, store, data_root
):
    (cell,) = plan(1, "RNN-Lin")
    said = run([cell])
    assert any("learning rate 0.9, best of 3 on validation" in line for line in said)
    assert known_rate(cell, store).rate == 0.9
    first = executed(store)
    searched = {run.run_dir.name for run in rate_search_runs(cell, store)}
    counted = {run.run_dir.name for run in cell_runs(cell, 2, store).planned}
    assert set(first) == searched | counted
    assert all(first[name] == list(range(0, 90, 10)) for name in counted)
    assert split_reads(data_root) == sorted(f"runs/{name}" for name in counted)

    run([cell])
    assert executed(store) == first

    run([cell], seeds=3)
    added = executed(store)
    assert {name: steps for name, steps in added.items() if name in first} == first
    assert len(added) == len(first) + 1
    assert len(cell_result(cell, 3, store).accuracies) == 3


def test_a_race_stops_weak_rates_early(run, plan, store):
    (cell,) = plan(1, "RNN-Lin", rates=(0.1, 0.2, 0.3, 0.9))
    run([cell], seeds=1)
    statuses = [runs.read_result(run.run_dir)["status"] for run in rate_search_runs(cell, store)]
    assert statuses[-1] == "completed"
    lengths = [len(executed(store)[run.run_dir.name]) for run in rate_search_runs(cell, store)]
    assert max(lengths) == 9


def test_tables_that_share_a_cell_share_its_runs(run, plan, store):
    run(plan(1, "RNN-Lin"))
    before = executed(store)
    run([*plan(6, "RNN-Lin"), *plan(7, "Dense A"), *plan(8, "Linear Dense RNN")])
    assert executed(store) == before


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
