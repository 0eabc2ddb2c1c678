"""The four forms of a table hold the same, and the labels with it."""

import csv
import io
import json
from dataclasses import replace

import pytest

from lru_tune.reproduction.tables.latex import Block, escape
from lru_tune.reproduction.tables.result_table import (
    COMPARABLE,
    NO_VERDICT,
    ResultTable,
    as_csv,
    as_markdown,
    write_table,
)

RECORDS = [
    {"row": "a|b", "n": 2, "seeds": [1, 2], "ours": None},
    {"row": "50 %", "n": 0, "seeds": [], "ours": 1.5},
]


def table(*labels: str) -> ResultTable:
    return ResultTable(
        title="Table 1",
        labels=labels,
        blocks=(Block("Cells", ("row", "n"), [("a|b", "2"), ("50 %", "0")]),),
        notes=("a note",),
        records=RECORDS,
        about={"seeds": 2},
    )


def test_csv_has_a_line_a_record_and_the_label_in_each():
    lines = list(csv.DictReader(io.StringIO(as_csv(table("QUICK: small")))))
    assert [line["label"] for line in lines] == ["QUICK: small"] * 2
    assert [line["seeds"] for line in lines] == ["1 2", ""]
    assert [line["ours"] for line in lines] == ["", "1.5"]
    assert COMPARABLE in as_csv(table())


def test_csv_calls_a_line_with_a_remark_not_comparable():
    whole = table()
    remarked = replace(whole, records=[{**RECORDS[0], "remark": "half of the data"}, RECORDS[1]])
    labels = [line["label"] for line in csv.DictReader(io.StringIO(as_csv(remarked)))]
    assert labels == ["half of the data", COMPARABLE]


def test_a_bar_does_not_break_a_table_in_markdown():
    assert "| a\\|b | 2 |" in as_markdown(table())
    assert NO_VERDICT not in as_markdown(table())


def test_all_files_are_written_whole_with_label_and_notes(tmp_path):
    write_table(table("SCALED: 0.02"), tmp_path)
    assert len(list(tmp_path.iterdir())) == 4
    content = json.loads((tmp_path / "reproduction.json").read_text())
    assert content["cells"] == RECORDS
    assert content["labels"] == ["SCALED: 0.02"]
    assert content["comparable"] is False
    assert content["seeds"] == 2
    for name in ("table.md", "table.tex"):
        assert f"SCALED: 0.02. {NO_VERDICT}" in (tmp_path / name).read_text()


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("50 % of A_1", r"50 \% of A\_1"), ("a & b", r"a \& b"), ("\\", r"\textbackslash{}")],
)
def test_what_latex_would_misread_is_escaped(text, escaped):
    assert escape(text) == escaped
