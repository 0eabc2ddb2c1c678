"""What docs/speed.md says was measured is what was measured."""

import json
import re

from benchmarks.page import MARKED, PAGE, TABLES, filled
from benchmarks.report import RESULTS, read


def test_the_tables_are_those_of_the_kept_results():
    page = PAGE.read_text()
    assert page == filled(page), "renew it: python -m benchmarks.page"
    assert [name for _, name in MARKED.findall(page)] == list(TABLES)


def test_the_page_shows_every_kept_result():
    kept = {path.stem for path in RESULTS.glob("*.csv")}
    aside = {name for name in kept if name.startswith("prepare_") or name == "floors"}
    assert kept - aside <= set(TABLES)


def test_the_page_names_the_machine():
    for path in RESULTS.glob("*.machine.json"):
        machine = json.loads(path.read_text())
        assert machine["processor"] in PAGE.read_text(), path.name
        assert machine["cores"] == 2, path.name


def test_outside_of_the_tables_no_ratio_is_typed_in():
    words = re.sub(r"<!-- results.*?<!-- end -->", "", PAGE.read_text(), flags=re.S)
    assert not re.search(r"\d+(\.\d+)? (times|%)", words)


def test_the_table_has_a_row_for_each_shape_that_was_measured():
    assert TABLES["train_step"]().count("\n") == len(read("train_step")) + 2
