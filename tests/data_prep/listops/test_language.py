"""The evaluator against values computed by hand and against the 2018 test split."""

import lzma

import pytest

from data_prep.listops.language import evaluate
from data_prep.listops.text import curry
from lru_tune.errors import Invalid, Problem


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("7", 7),
        ("[MIN 4 2 9 ]", 2),
        ("[MAX 4 2 9 ]", 9),
        ("[SM 4 2 9 ]", 5),
        ("[MED 4 2 9 ]", 4),
        ("[MED 4 3 ]", 3),  # 3.5 truncated
        ("[MED 1 9 2 8 ]", 5),
        ("[MAX 2 9 [MIN 4 7 ] 0 ]", 9),
        ("[SM [SM 9 9 ] [MED 0 1 1 ] [MIN 5 [MAX 3 8 ] ] ]", 4),
        ("( ( ( [MAX 3 ) 8 ) ] )", 8),
    ],
)
def test_values_by_hand(expression, value):
    assert evaluate(expression) == value


@pytest.mark.parametrize(
    ("expression", "code", "values"),
    [
        ("", "count", {"found": 0}),
        ("1 2", "count", {"found": 2}),
        ("[MIN 1 2", "open", {"operator": "[MIN"}),
        ("1 ]", "unexpected", {"token": "]", "place": 2}),
        ("[MIN ]", "unexpected", {"token": "]", "place": 2}),
        ("[SUM 1 ]", "unexpected", {"token": "[SUM", "place": 1}),
        ("[MIN 12 ]", "unexpected", {"token": "12", "place": 2}),
    ],
)
def test_what_is_no_expression_is_refused(expression, code, values):
    with pytest.raises(Invalid) as raised:
        evaluate(expression)
    assert raised.value.problem == Problem(f"published.listops-{code}", values)


def test_all_lines_of_the_2018_test_split(raw_root):
    path = raw_root / "listops" / "test_d20s.tsv.xz"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    with lzma.open(path, "rt") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    assert len(rows) == 10_000
    for value, expression in rows:
        plain = expression.replace("(", "").replace(")", "")
        assert evaluate(expression) == evaluate(plain) == int(value)
        assert curry(plain.split()) == expression
