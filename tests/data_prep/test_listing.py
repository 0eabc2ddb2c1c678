"""The table of `list`: one row a task, columns aligned, whatever a task lacks."""

import pytest

from data_prep import prepare
from data_prep.listing import COLUMNS, state, table
from data_prep.preparation import ORIGINS
from lru_tune.data.manifest import MANIFEST_FILE
from lru_tune.tasks import TASKS

TERMINAL = 100  # columns


def test_every_task_has_a_row(tmp_path):
    assert [line.split()[0] for line in table(tmp_path)] == ["TASK", *TASKS]


def test_columns_stand_below_each_other(tmp_path):
    head, *rows = table(tmp_path)
    starts = [head.index(column) for column in COLUMNS]
    assert starts == sorted(starts)
    for row in rows:
        assert all(row[start - 1] == " " and row[start] != " " for start in starts[1:])


def test_all_but_the_source_fits_a_terminal(tmp_path):
    head = table(tmp_path)[0]
    assert head.index("SOURCE") <= TERMINAL


def test_a_task_whose_origin_is_missing_is_listed(tmp_path, monkeypatch):
    monkeypatch.delitem(ORIGINS, "copy")
    (row,) = (line for line in table(tmp_path) if line.startswith("copy "))
    assert row.split() == ["copy", "not", "prepared", "-", "-", "-"]


@pytest.mark.parametrize(
    ("damage", "expected"),
    [(None, "prepared: 100 / 5 / 5"), ("{", "damaged"), ("gone", "not prepared")],
)
def test_states(tmp_path, damage, expected):
    manifest = prepare("copy", tmp_path, limit=100).folder / MANIFEST_FILE
    if damage == "gone":
        manifest.unlink()
    elif damage is not None:
        manifest.write_text(damage)
    assert state("copy", tmp_path) == expected
