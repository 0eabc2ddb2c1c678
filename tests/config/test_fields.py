import math

import pytest

from lru_tune.config.document import at_key
from lru_tune.config.dotted import flatten
from lru_tune.config.fields import fields_of, unknown_field, validate
from lru_tune.config.resolve import all_fields, base_fields
from lru_tune.config.schema import RunConfig
from lru_tune.config.variants import VARIANTS
from lru_tune.errors import ConfigError, Problem


def problems_of(**fields) -> tuple[Problem, ...]:
    flat = {"task": "listops", "steps": 10} | {k.replace("__", "."): v for k, v in fields.items()}
    with pytest.raises(ConfigError) as caught:
        validate(RunConfig, flat, at_key)
    return caught.value.problems


@pytest.mark.parametrize("variant", VARIANTS)
def test_fields_are_exactly_those_of_a_dumped_config(variant):
    recurrence = {f"model.recurrence.{k}": v for k, v in VARIANTS[variant].items()}
    config = validate(RunConfig, {"task": "listops", "steps": 1, **recurrence}, at_key)
    assert set(fields_of(RunConfig, recurrence)) == set(flatten(config.model_dump()))
    assert set(base_fields(variant)) | {"task", "variant"} == set(flatten(config.model_dump()))
    assert base_fields(variant).keys() <= all_fields()


def test_text_is_read_by_the_type_of_its_field():
    config = validate(
        RunConfig,
        {
            "task": "copy",
            "steps": "10",
            "model.pooling": "none",
            "optim.learning_rate": "1e-4",
            "model.bidirectional": "off",
        },
        at_key,
    )
    assert (config.steps, config.optim.learning_rate, config.model.bidirectional) == (
        10,
        1e-4,
        False,
    )


@pytest.mark.parametrize(
    ("path", "value", "code", "values"),
    [
        ("optim.learning_rate", "fast", "wrong-type", {"expected": "a number", "given": "'fast'"}),
        ("optim.learning_rate", True, "wrong-type", {"expected": "a number", "given": "true"}),
        ("optim.learning_rate", None, "wrong-type", {"expected": "a number", "given": "null"}),
        ("optim.learning_rate", 0, "out-of-range", {"relation": "greater than", "bound": 0}),
        ("optim.learning_rate", math.nan, "wrong-type", {"expected": "a finite number"}),
        ("model.n_layers", 2.5, "wrong-type", {"expected": "an integer", "given": "2.5"}),
        ("model.n_layers", [2], "wrong-type", {"expected": "an integer", "given": "[2]"}),
        ("model.dropout", 1.0, "out-of-range", {"relation": "less than", "bound": 1}),
        ("model.recurrence.r_max", 1.5, "out-of-range", {"relation": "at most", "bound": 1}),
        ("model.norm", "off", "unknown-choice", {"expected": "'batch' or 'layer'", "hint": ""}),
        ("model.norm", "bach", "unknown-choice", {"hint": " Did you mean 'batch'?"}),
        ("model.bidirectional", "perhaps", "wrong-type", {"expected": "true or false"}),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason(path, value, code, values):
    (problem,) = problems_of(**{"model.recurrence.kind": "diagonal", path: value})
    assert (problem.key, problem.code) == (path, f"config.{code}")
    assert problem.values | values == problem.values


def test_every_problem_is_reported_at_once():
    problems = problems_of(optim__lrr=1, model__n_layers=0, data__batch_size="many", nonsense=1)
    assert [problem.key for problem in problems] == [
        "optim.lrr",
        "model.n_layers",
        "data.batch_size",
        "nonsense",
    ]


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("optim.lrr", "learning_rate"),
        ("optim.lr", "learning_rate"),
        ("optim.learning_rte", "learning_rate"),
        ("optim.wd", "weight_decay"),
        ("model.H", "d_model"),
        ("model.depth", "n_layers"),
        ("learning_rate", "optim.learning_rate"),
        ("optim.dropout", "model.dropout"),
        ("iterations", "steps"),
    ],
)
def test_an_unknown_field_names_the_nearest_one(path, nearest):
    problem = unknown_field(path, base_fields("lru"))
    assert problem == Problem("config.unknown-field", {"hint": f" Did you mean {nearest!r}?"})


def test_a_group_is_not_a_field():
    problem = unknown_field("model", base_fields("lru"))
    assert problem == Problem("config.group-of-fields", {"group": "model"})


def test_rules_between_fields_name_the_group_they_hold_in():
    fields = {"model.recurrence.kind": "diagonal", "model.recurrence.r_min": 0.9}
    (problem,) = problems_of(**fields, **{"model.recurrence.r_max": 0.5})
    values = {"r_min": 0.9, "r_max": 0.5}
    assert problem == Problem("config.ring-reversed", values, key="model.recurrence")
    assert problems_of(epochs=2) == (Problem("config.length-given-twice"),)
