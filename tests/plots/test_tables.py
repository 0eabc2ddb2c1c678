import pandas as pd
from matplotlib.colors import to_hex

from lru_tune.plots import published_and_ours
from lru_tune.plots.palette import VERDICT_COLOURS
from lru_tune.results.reading.reproductions import CELL_COLUMNS


def cells_of(*rows):
    return pd.DataFrame(
        {
            name: pd.Series([row.get(name) for row in rows], dtype=dtype)
            for name, dtype in CELL_COLUMNS.items()
        }
    )


CELL = {
    "table": "table1",
    "row": "LRU",
    "column": "ListOps",
    "published": 60.2,
    "published_standard_error": 0.8,
    "ours": 60.0,
    "ours_low": 59.0,
    "ours_high": 61.0,
    "n": 3,
    "verdict": "REPRODUCED",
    "labels": "",
}


def test_every_cell_that_was_run_is_a_line_with_its_verdict():
    below = CELL | {"row": "RNN", "ours": 50.0, "verdict": "BELOW"}
    unknown = CELL | {"row": "quick", "verdict": None, "labels": "QUICK: small"}
    unrun = CELL | {"row": "unrun", "ours": None}
    panel = published_and_ours(cells_of(CELL, below, unknown, unrun)).axes[0]
    names = [label.get_text() for label in panel.get_yticklabels()]
    assert names == [f"table1: {row} / ListOps (n=3)" for row in ("LRU", "RNN", "quick")]
    dots = {line.get_label(): line for line in panel.lines}
    assert list(dots["ours, BELOW"].get_xdata()) == [50.0]
    assert to_hex(dots["ours, REPRODUCED"].get_color()) == VERDICT_COLOURS["REPRODUCED"]
    assert list(dots["ours, no verdict"].get_ydata()) == [2.12]
    assert "QUICK: small" in panel.get_xlabel()


def test_nothing_run_is_said():
    panel = published_and_ours(cells_of(CELL | {"ours": None})).axes[0]
    assert "no cell has been run" in panel.texts[0].get_text()
