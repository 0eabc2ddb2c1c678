"""What runs of a reproduction run at the same time, and which of them share lanes."""

from dataclasses import replace

import pytest

from lru_tune.reproduction.engine import _Batch, _shares
from lru_tune.reproduction.outcome import cell_runs
from lru_tune.search.ray.resources import Allocation, Machine, ResourceRequest
from lru_tune.space.settings import TrialResources

SMALL = TrialResources(gpus=0.25, cpus=1)


@pytest.fixture
def batches(plan, store):
    """A function that returns the seeds of three cells: two of one shape, and one of another."""

    def make(seeds: int, resources: TrialResources) -> list[_Batch]:
        (other,) = plan(1, "RNN-Tanh", rates=(0.5,))
        (one,) = plan(1, "RNN-Lin", rates=(0.5,))
        (two,) = plan(1, "RNN-Lin", rates=(0.4,))
        cells = [replace(cell, resources=resources) for cell in (other, one, two)]
        return [_Batch(cell, cell_runs(cell, seeds, store).planned) for cell in cells]

    return make


def shares(batches, machine: Machine, **requested) -> list[tuple[Allocation, int]]:
    found = _shares(batches, machine, ResourceRequest(**requested))
    return [(share.allocation, len(share.planned)) for share in found]


def test_without_lanes_all_cells_run_at_the_same_time(batches):
    assert shares(batches(3, SMALL), Machine(4, 0)) == [(Allocation(0, 1, 4), 9)]
    alone = TrialResources(gpus=1, cpus=4)
    assert shares(batches(3, alone), Machine(16, 2)) == [(Allocation(1, 4, 2), 9)]


def test_cells_of_one_shape_share_lanes_where_more_runs_wait_than_fit_beside_each_other(batches):
    assert shares(batches(3, SMALL), Machine(16, 1)) == [
        (Allocation(0.25, 1, 4), 3),
        (Allocation(1, 1, 6, 1, 6, "memory"), 6),
    ]


def test_a_number_of_lanes_is_taken_at_its_word_one_shape_after_the_other(batches):
    lanes = Allocation(0, 1, 4, 2, 2)
    assert shares(batches(2, SMALL), Machine(2, 0), lanes=2) == [(lanes, 2), (lanes, 4)]


def test_what_is_done_waits_for_nothing(batches, write_run):
    made = batches(1, SMALL)
    for batch in made[:2]:
        for run in batch.planned:
            write_run(run.run_dir, **{"test/accuracy": 0.5})
    assert shares(made, Machine(4, 0)) == [(Allocation(0, 1, 4), 1)]
