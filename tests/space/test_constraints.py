import pytest

from lru_tune.errors import Invalid
from lru_tune.space.constraints import parse_constraint

VALUES = {"a": 2, "b.c": 0.5, "b.d": 0.9, "m.kind": "gamma", "flag": True, "zero": 0}


@pytest.mark.parametrize(
    ("text", "names", "truth"),
    [
        ("b.c < b.d", ("b.c", "b.d"), True),
        ("b.d < b.c", ("b.d", "b.c"), False),
        ("0 < b.c < b.d <= 0.9", ("b.c", "b.d"), True),
        ("a * 3 - 1 == 5 and not b.c > 1", ("a", "b.c"), True),
        ("b.c > 1 or a % 2 == 0", ("b.c", "a"), True),
        ("-a + 7 // 2 != 1", ("a",), False),
        ("m.kind == 'gamma'", ("m.kind",), True),
        ("flag", ("flag",), True),
        ("a / zero > 1", ("a", "zero"), False),
        ("a == 1 or a == 2", ("a",), True),
    ],
)
def test_a_constraint_is_judged_as_written(text, names, truth):
    constraint = parse_constraint(text)
    assert constraint.names == names
    assert constraint.holds(VALUES) is truth


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "a.__class__() == 1",
        "[x for x in b.c]",
        "a if b.c else 1",
        "a ** 9 > 1",
        "a in [1, 2]",
        "a is None",
        "b['c'] < 1",
        "lambda: a",
        "(a := 1) < 2",
        "a < f'{a}'",
    ],
)
def test_nothing_else_is_evaluated(text):
    with pytest.raises(Invalid) as caught:
        parse_constraint(text)
    assert caught.value.problem.code == "space.not-allowed-in-constraints"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a <", "space.not-an-expression"),
        ("", "space.not-an-expression"),
        ("a = 1", "space.not-an-expression"),
        ("1 < 2", "space.constraint-without-field"),
        (3, "config.wrong-type"),
    ],
)
def test_what_is_no_constraint_is_refused(text, code):
    with pytest.raises(Invalid) as caught:
        parse_constraint(text)
    assert caught.value.problem.code == code
