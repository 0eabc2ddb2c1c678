import json

import pandas as pd
import pytest

from lru_tune.errors import ConfigError
from lru_tune.files.experiment_folder import REPRODUCTION_FILE, REPRODUCTIONS_FOLDER, RUNS_FOLDER
from lru_tune.results import cells, reproductions

CELL = {
    "row": "LRU",
    "column": "ListOps",
    "task": "listops",
    "variant": "lru",
    "published": 60.2,
    "published_standard_error": 0.8,
    "published_n": 3,
    "published_at_chance": False,
    "ours": 60.0,
    "ours_low": 59.0,
    "ours_high": 61.0,
    "n": 2,
    "waiting": 1,
    "accuracies": [59.9, 60.1],
    "verdict": "REPRODUCED",
    "learning_rate": 0.001,
}


@pytest.fixture
def reproduced(tmp_path, write_run):
    """Two tables that share a run, a run that chose a rate, and a table of another kind."""
    root = tmp_path / "runs" / REPRODUCTIONS_FOLDER
    for name in ("listops-lru-a", "listops-lru-b", "listops-lru-rate"):
        write_run(root / RUNS_FOLDER / name, **{"test/accuracy": 0.6})
    tables = {
        "table1": ([CELL | {"runs": ["listops-lru-a", "listops-lru-b"]}], []),
        "table8-quick": (
            [CELL | {"row": "LRU 6 layers", "runs": ["listops-lru-a"]}],
            ["QUICK: small"],
        ),
        "table9": ([{"field": "model.n_layers", "column": "ListOps", "paper": 6}], []),
        "table3": ([CELL | {"ours": None, "n": 0, "verdict": None}], []),
    }
    for name, (found, labels) in tables.items():
        (root / name).mkdir()
        content = {"comparable": not labels, "labels": labels, "cells": found}
        (root / name / REPRODUCTION_FILE).write_text(json.dumps(content))
    return root


def test_every_run_is_a_row_with_the_cells_it_counts_in(reproduced):
    frame = reproductions(reproduced).set_index("trial")
    assert (
        frame.loc["listops-lru-a", "cells"]
        == "table1: LRU / ListOps; table8-quick: LRU 6 layers / ListOps"
    )
    assert frame.loc["listops-lru-b", "cells"] == "table1: LRU / ListOps"
    assert pd.isna(frame.loc["listops-lru-rate", "cells"])
    assert frame["test/accuracy"].tolist() == [0.6] * 3
    assert pd.api.types.is_string_dtype(frame["cells"])


def test_the_runs_root_stands_for_the_reproductions_in_it(reproduced):
    assert reproductions(reproduced.parent).equals(reproductions(reproduced))


def test_cells_are_typed_rows_and_other_tables_are_left_aside(reproduced):
    frame = cells(reproduced)
    assert frame["table"].tolist() == ["table1", "table3", "table8-quick"]
    assert frame["comparable"].tolist() == [True, True, False]
    assert frame["labels"].tolist() == ["", "", "QUICK: small"]
    assert frame["n"].dtype == "Int64"
    assert pd.isna(frame.loc[1, "ours"])
    assert pd.isna(frame.loc[1, "verdict"])
    assert cells(reproduced / "table1")["verdict"].tolist() == ["REPRODUCED"]


def test_a_damaged_table_is_named(reproduced):
    (reproduced / "table1" / REPRODUCTION_FILE).write_text("{half")
    with pytest.raises(ConfigError) as refused:
        cells(reproduced)
    assert refused.value.code == "results.damaged-table"
    assert refused.value.problems[0].file == str(reproduced / "table1" / REPRODUCTION_FILE)


def test_a_folder_without_reproductions_is_a_clear_error(tmp_path):
    with pytest.raises(ConfigError) as refused:
        reproductions(tmp_path)
    assert refused.value.code == "results.no-reproductions"
