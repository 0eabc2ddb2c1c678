"""A dry run counts what is left and measures each kind of cell once."""

import pytest

from lru_tune.files import run_directory as runs
from lru_tune.paper.tables import load_table
from lru_tune.reproduction import estimate
from lru_tune.reproduction.outcome import cell_runs
from lru_tune.reproduction.rates import choose_rate, rate_search_runs
from lru_tune.reproduction.scale import Setting
from lru_tune.reproduction.tables.estimates import estimate_table
from lru_tune.search.ray.resources import Machine, ResourceRequest
from lru_tune.training.speed import Speed


@pytest.fixture
def measured(monkeypatch):
    """Every kind of cell makes ten steps a second; the list of what was measured."""
    asked = []

    def measure(configs, **_limits):
        asked.extend(config.variant for config in configs)
        return [Speed(10.0, 1.0, 0, "cpu: none") for _ in configs]

    monkeypatch.setattr(estimate, "measure_speeds", measure)
    return asked


def estimates(cells, store, seeds=2, machine=None):
    found = estimate.estimate(
        cells, seeds, store, machine or Machine(1, 0), ResourceRequest(), lambda _line: None
    )
    return list(found)


def test_hours_are_steps_by_speed_shared_among_the_cores(plan, store, measured):
    (cell,) = plan(1, "RNN-Lin")
    (one,) = estimates([cell], store)
    assert (one.rate_runs, one.seed_runs, one.steps) == (3, 2, 90)
    assert one.hours == pytest.approx(5 * 90 / 10 / 3600)
    (two,) = estimates([cell], store, machine=Machine(2, 0))
    assert two.hours == pytest.approx(one.hours / 2)


def test_what_is_done_costs_nothing(plan, store, measured):
    (cell,) = plan(1, "RNN-Lin")
    for run in rate_search_runs(cell, store):
        runs.write_result(run.run_dir, "completed", **{runs.VAL_ACCURACY: 0.5})
    choose_rate(cell, store, lambda _line: None)
    first = cell_runs(cell, 1, store).planned[0]
    runs.write_result(first.run_dir, "completed", **{runs.TEST_ACCURACY: 0.5})
    (left,) = estimates([cell], store)
    assert (left.rate_runs, left.seed_runs) == (0, 1)
    assert estimates([cell], store, seeds=1)[0].hours == 0
    assert len(measured) == 1


def test_cells_that_differ_in_ring_or_rate_alone_are_measured_once(plan, store, measured):
    estimates(plan(8, "Stable Exp + Ring Init", "LRU"), store)
    estimates(plan(2, "Lambda Stable Exp", "+ Ring Init"), store)
    assert measured == ["stable-exp", "lru", "stable-exp"]


def test_a_cell_that_cannot_be_measured_has_no_hours(plan, store, monkeypatch):
    monkeypatch.setattr(
        estimate, "measure_speeds", lambda configs, **_: [Speed(None, 0.0, 0, "", "no room")]
    )
    (found,) = estimates(plan(1, "RNN-Lin"), store)
    assert found.hours is None
    assert found.speed.problem == "no room"


def test_a_time_that_is_not_known_is_not_called_zero(plan, store, monkeypatch):
    monkeypatch.setattr(
        estimate, "measure_speeds", lambda *_args, **_limits: [Speed(None, 0.0, 0, "", "no room")]
    )
    machine = Machine(1, 0)
    found = estimates(plan(1, "RNN-Lin"), store)
    notes = estimate_table(load_table(1), found, Setting(), machine).notes
    assert "unknown time" in notes[0]
    assert "1 of 1 cells left out" in notes[0]
