import math

import pytest

from lru_tune.config.fields import fields_of, unknown_field, validate
from lru_tune.config.resolve import all_fields, base_fields
from lru_tune.config.schema import RunConfig, flatten
from lru_tune.config.variants import VARIANTS
from lru_tune.errors import ConfigError


def say(path: str, text: str) -> str:
    return f"{path}: {text}"


def problems_of(**fields) -> tuple[str, ...]:
    flat = {"task": "listops", "steps": 10} | {k.replace("__", "."): v for k, v in fields.items()}
    with pytest.raises(ConfigError) as caught:
        validate(RunConfig, flat, say)
    return caught.value.problems


@pytest.mark.parametrize("variant", VARIANTS)
def test_fields_are_exactly_those_of_a_dumped_config(variant):
    recurrence = {f"model.recurrence.{k}": v for k, v in VARIANTS[variant].items()}
    config = validate(RunConfig, {"task": "listops", "steps": 1, **recurrence}, say)
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
        say,
    )
    assert (config.steps, config.optim.learning_rate, config.model.bidirectional) == (
        10,
        1e-4,
        False,
    )


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("optim.learning_rate", "fast", "needs a number, got the text 'fast'"),
        ("optim.learning_rate", True, "needs a number, got true"),
        ("optim.learning_rate", None, "needs a number, got nothing"),
        ("optim.learning_rate", 0, "must be above 0, got 0"),
        ("optim.learning_rate", math.nan, "needs a finite number, got nan"),
        ("model.n_layers", 2.5, "needs a whole number, got 2.5"),
        ("model.n_layers", [2], "needs a whole number, got [2]"),
        ("model.dropout", 1.0, "must be below 1, got 1"),
        ("model.recurrence.r_max", 1.5, "must not be above 1, got 1.5"),
        ("model.norm", "off", "needs 'batch' or 'layer', got the text 'off'."),
        ("model.norm", "bach", "needs 'batch' or 'layer', got the text 'bach'. Did you mean 'batch'?"),
        ("model.bidirectional", "perhaps", "needs true or false, got the text 'perhaps'"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_in_words(path, value, text):
    recurrence = {"model.recurrence.kind": "diagonal"}
    assert problems_of(**recurrence, **{path: value}) == (f"{path}: {text}",)


def test_every_problem_is_told_at_once():
    problems = problems_of(optim__lrr=1, model__n_layers=0, data__batch_size="many", nonsense=1)
    assert [problem.split(":")[0] for problem in problems] == [
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
    assert unknown_field(path, base_fields("lru")) == f"no such field. Did you mean {nearest!r}?"


def test_a_group_is_not_a_field():
    text = unknown_field("model", base_fields("lru"))
    assert text == "is a group of fields; write model.<field>"


def test_rules_between_fields_name_the_group_they_hold_in():
    fields = {"model.recurrence.kind": "diagonal", "model.recurrence.r_min": 0.9}
    problems = problems_of(**fields, **{"model.recurrence.r_max": 0.5})
    assert problems == ("model.recurrence: r_min (0.9) must not be above r_max (0.5)",)
    assert problems_of(epochs=2)[0].startswith(": `steps` and `epochs` are two ways")
