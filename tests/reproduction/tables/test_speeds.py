"""Speeds stand beside published ones only where both were measured at the same sizes."""

import pytest

from lru_tune.paper.tables import load_table
from lru_tune.reproduction.cells import choose_columns, choose_rows, plan_cells
from lru_tune.reproduction.scale import Setting
from lru_tune.reproduction.tables.speeds import speed_record, speed_table
from lru_tune.training.speed import Speed

FULL, QUICK = Setting(), Setting(scale="quick")


def ratios(setting: Setting, *devices: str) -> list[str]:
    """Return the lines that compare rows, of a tanh network at 2 steps a second and an LRU at 3."""
    table = load_table(4)
    cells = plan_cells(table, choose_rows(table, []), choose_columns(table, ["listops"]), setting)
    found = {
        (cell.row.name, cell.column.name): speed_record(table, cell, Speed(speed, 1.0, 0, device))
        for cell, speed, device in zip(cells, (2.0, 3.0), devices, strict=True)
    }
    notes = speed_table(table, cells, found, setting, {}).notes
    return [note for note in notes if "times as fast" in note]


@pytest.mark.parametrize(
    ("setting", "ending"),
    [(FULL, "1.5 times as fast as Tanh RNN; published 1.9."), (QUICK, "RNN.")],
)
def test_the_published_ratio_is_shown_at_the_published_sizes_only(setting, ending):
    (line,) = ratios(setting, "gpu: one", "gpu: one")
    assert line.endswith(ending)


def test_rows_measured_on_different_devices_are_not_compared():
    assert ratios(FULL, "cpu: one", "gpu: one") == []
