"""The words of the reference are true of the models they were read from."""

import pytest
from pydantic import ValidationError

from lru_tune.config.fields import fields_of
from lru_tune.config.reference import as_markdown, groups
from lru_tune.config.resolve import all_fields
from lru_tune.config.schema import RunConfig
from lru_tune.space.settings import TuneSettings

RUN = [entry for group in groups(RunConfig) for entry in group.entries]
TUNE = [entry for group in groups(TuneSettings) for entry in group.entries]


def test_every_field_is_there():
    assert {entry.path for entry in RUN} == {*all_fields(), "task", "variant"}
    assert {entry.path for entry in TUNE} == set(fields_of(TuneSettings))


@pytest.mark.parametrize("entry", [*RUN, *TUNE], ids=lambda entry: entry.path)
def test_every_field_is_described_in_a_sentence(entry):
    assert entry.description.endswith(".")
    assert "|" not in entry.description


def test_the_text_below_a_field_is_its_description_not_its_value():
    found = {entry.path: entry for entry in RUN}
    factor = found["optim.recurrent_lr_factor"]
    assert (
        factor.description == "Learning rate of the slow group, as a multiple of `learning_rate`."
    )
    assert (factor.values, factor.default) == ("number from 0", "0.5")
    assert found["model.recurrence.max_phase"].default == "2 pi"


@pytest.mark.parametrize(
    ("path", "words", "good", "bad"),
    [
        ("data.max_length", "integer above 0", 1, 0),
        ("optim.warmup_fraction", "number from 0 to 1", 1.0, 1.1),
        ("optim.b1", "number from 0 and below 1", 0.0, 1.0),
        ("seed", "integer from 0 and below 2^31", 2**31 - 1, 2**31),
        ("model.norm", "`batch`, `layer`", "layer", "group"),
    ],
)
def test_the_range_in_words_is_the_range_that_is_enforced(path, words, good, bad):
    (entry,) = (entry for entry in RUN if entry.path == path)
    assert entry.values == words
    field = fields_of(RunConfig)[path]
    assert field.validate_python(good) == good
    with pytest.raises(ValidationError):
        field.validate_python(bad)


def test_every_bound_of_a_number_is_in_words():
    kinds = ("number", "integer")
    bounded = [entry for entry in [*RUN, *TUNE] if any(kind in entry.values for kind in kinds)]
    assert len(bounded) > 20
    assert [entry.path for entry in bounded if entry.values.endswith(kinds)] == []


def test_the_two_members_of_the_recurrence_have_a_section_each():
    page = as_markdown(RunConfig)
    assert "### `model.recurrence`, diagonal\n" in page
    assert "### `model.recurrence`, dense\n" in page
    assert "compiled anew" not in as_markdown(TuneSettings, "tune.")
