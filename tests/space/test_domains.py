import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lru_tune.errors import Invalid
from lru_tune.space.domains import (
    DOMAINS,
    Choice,
    Domain,
    LogRandInt,
    LogUniform,
    OneMinusLogUniform,
    QUniform,
    RandInt,
    Range,
    Uniform,
    parse_domain,
)
from lru_tune.space.scales import Categorical, Float, Int

POSITIVE = st.floats(1e-12, 1e6)


def pairs(numbers):
    return st.tuples(numbers, numbers).map(sorted)


@st.composite
def stepped(draw):
    low, q = draw(st.floats(-1e3, 1e3)), draw(st.floats(1e-2, 10.0))
    return QUniform(low, low + q * draw(st.integers(0, 100)), q)


DOMAIN = st.one_of(
    pairs(st.floats(-1e6, 1e6)).map(lambda p: Uniform(*p)),
    pairs(POSITIVE).map(lambda p: LogUniform(*p)),
    pairs(st.floats(1e-12, 1.0)).map(lambda p: OneMinusLogUniform(*p)),
    stepped(),
    pairs(st.integers(-1000, 1000)).map(lambda p: RandInt(*p)),
    pairs(st.integers(1, 10**6)).map(lambda p: LogRandInt(*p)),
    st.lists(st.floats(-1, 1) | st.text(max_size=3), min_size=1, max_size=5, unique=True).map(
        lambda values: Choice(tuple(values))
    ),
)


@given(DOMAIN, st.integers(0, 2**32))
def test_a_drawn_value_belongs_and_survives_the_round_trip(domain: Domain, seed: int):
    value = domain.draw(np.random.default_rng(seed))
    assert domain.contains(value)
    back = domain.from_coordinate(domain.to_coordinate(value))
    assert back == value or math.isclose(back, value, rel_tol=1e-12)


@given(DOMAIN, st.integers(0, 2**32))
def test_coordinates_lie_within_what_the_searcher_is_told(domain: Domain, seed: int):
    x = domain.to_coordinate(domain.draw(np.random.default_rng(seed)))
    match domain.coordinate:
        case Float(low, high) | Int(low, high):
            assert low <= x <= high
        case Categorical(values):
            assert x in values


@given(DOMAIN)
def test_ends_belong_even_after_rounding(domain: Domain):
    ends = domain.ends()
    assert all(domain.contains(end) for end in ends)
    if not isinstance(domain, Choice):
        assert ends[0] <= ends[-1]


@given(DOMAIN)
def test_the_yaml_form_parses_back_equal(domain: Domain):
    assert parse_domain(domain.to_mapping()) == domain


@given(pairs(POSITIVE), st.floats(1e-3, 1e3))
def test_beyond_the_ends_is_outside(ends, distance):
    domain = LogUniform(*ends)
    assert not domain.contains(domain.high * (1 + distance))
    assert not domain.contains(domain.low / (1 + distance))


@given(pairs(st.floats(1e-6, 0.5)), st.floats(1e-3, 0.5))
def test_one_minus_is_bounded_near_one(ends, distance):
    domain = OneMinusLogUniform(*ends)
    assume(domain.low * distance > 1e-12)
    assert not domain.contains(1 - domain.low * (1 - distance))
    assert not domain.contains(1 - domain.high * (1 + distance))
    assert not domain.contains(1.0)


def test_one_minus_searches_the_distance_to_one_on_a_log_scale():
    domain = OneMinusLogUniform(1e-4, 1e-1)
    assert domain.ends() == (0.9, 0.9999)
    assert domain.coordinate == Float(1e-4, 1e-1, log=True)
    assert domain.from_coordinate(0.01) == 0.99
    rng = np.random.default_rng(0)
    values = np.array([domain.draw(rng) for _ in range(4000)])
    # A third of the draws in each of the three decades; 4 standard errors of a share of 1/3.
    for low, high in ((0.9, 0.99), (0.99, 0.999), (0.999, 0.9999)):
        share = np.mean((low <= values) & (values < high))
        assert abs(share - 1 / 3) < 4 * math.sqrt(2 / 9 / 4000)


def test_whole_numbers_include_both_ends():
    rng = np.random.default_rng(0)
    assert {RandInt(2, 4).draw(rng) for _ in range(100)} == {2, 3, 4}
    assert {LogRandInt(1, 3).draw(rng) for _ in range(200)} == {1, 2, 3}
    assert not RandInt(2, 4).contains(2.5)


def test_steps_are_kept():
    domain = QUniform(0.1, 0.5, 0.1)
    rng = np.random.default_rng(0)
    drawn = sorted({domain.draw(rng) for _ in range(200)})
    assert drawn == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5], rel=1e-12)
    assert not domain.contains(0.25)


@pytest.mark.parametrize(
    ("written", "code", "values"),
    [
        ({"loguniform": [0.01, 0.001]}, "bounds-swapped", {"low": 0.01, "high": 0.001}),
        ({"loguniform": [0, 1]}, "log-of-zero", {"low": 0}),
        ({"lograndint": [0, 8]}, "log-of-zero", {"low": 0}),
        ({"one_minus_loguniform": [0.0, 0.1]}, "log-of-zero", {"low": 0}),
        ({"uniform": [0, "many"]}, "bad-bound", {"name": "high", "given": "many"}),
        ({"uniform": [True, 2]}, "bad-bound", {"name": "low", "given": True}),
        ({"uniform": [0, math.inf]}, "bad-bound", {"name": "high", "given": math.inf}),
        ({"uniform": [1]}, "domain-arguments", {"form": "[low, high]", "given": [1]}),
        ({"uniform": 1}, "domain-arguments", {"form": "[low, high]", "given": 1}),
        ({"quniform": [0, 1]}, "domain-arguments", {"form": "[low, high, q]", "given": [0, 1]}),
        ({"quniform": [0, 1, 0]}, "bad-bound", {"name": "q", "given": 0}),
        ({"quniform": [0, 1, 0.3]}, "step-misses-high", {"nearest": pytest.approx(0.9)}),
        ({"randint": [1.5, 3]}, "bad-bound", {"name": "low", "expected": "an integer"}),
        ({"choice": "adamw"}, "choice-without-list", {"kind": "choice", "given": "adamw"}),
        ({"choice": []}, "choice-of-nothing", {}),
        ({"choice": [1, 1]}, "choice-repeats", {"values": [1, 1]}),
        ({"grid": [[1], [2]]}, "choice-of-lists", {"values": [[1], [2]]}),
        ({"loguniformm": [1, 2]}, "unknown-domain", {"hint": " Did you mean 'loguniform'?"}),
        ([1, 2], "list-without-domain", {"values": [1, 2]}),
        (3, "not-a-domain", {"given": 3}),
        (None, "not-a-domain", {}),
        ({}, "not-a-domain", {}),
        ({"uniform": [0, 1], "choice": [1]}, "not-a-domain", {}),
    ],
)
def test_what_makes_no_sense_is_refused(written, code, values):
    with pytest.raises(Invalid) as caught:
        parse_domain(written)
    problem = caught.value.problem
    assert problem.code == f"space.{code}"
    assert problem.values | values == problem.values
    assert problem.text


def test_a_grid_is_another_spelling_of_a_choice():
    assert parse_domain({"grid": [1, 2]}) == Choice((1, 2))
    assert Choice((1, 2)).to_mapping() == {"choice": [1, 2]}


@pytest.mark.parametrize(
    "kind", sorted(kind for kind in DOMAINS if issubclass(DOMAINS[kind], Range))
)
def test_places_run_from_the_lower_end_to_the_upper_one(kind):
    domain = parse_domain({kind: [1, 9, 2] if kind == "quniform" else [2, 8]})
    low, high = domain.bounds
    assert low < high
    assert [domain.place(low), domain.place(high)] == pytest.approx([0.0, 1.0])
    assert 0.0 < domain.place((low + high) / 2) < 1.0


def test_a_value_beyond_an_end_lies_beyond_it_and_one_off_the_scale_nowhere():
    assert LogUniform(1e-4, 1e-2).place(1e-1) == pytest.approx(1.5)
    assert math.isnan(LogUniform(1e-4, 1e-2).place(0.0))
    assert OneMinusLogUniform(1e-3, 1e-1).place(0.9999) == pytest.approx(1.5)
    assert Uniform(-1.0, 1.0).place(-2.0) == pytest.approx(-0.5)
