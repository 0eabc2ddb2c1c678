"""Which runs share compiled programs: the one place that says so, without JAX.

A field marked `Traced` in the schema enters the compiled programs as an argument, or not at all; another
value of any other field needs a new compilation. The marks are all that this module reads:

    programs = functions_of(compile_key(config))  # a cache of programs: one entry for each key
    lanes[lane_key(config)].append(config)  # runs that one program can train side by side

Both keys are complete, hashable configurations, so whatever builds a program reads its static fields from
the key. It must not read a traced field, which has its default value there.
"""

from typing import TypeVar

from pydantic import BaseModel

from lru_tune.config.schema import TRACED, DataConfig, RunConfig

Model = TypeVar("Model", bound=BaseModel)

SOME_DROPOUT = 0.5  # a network with dropout is another program than one without


def compile_key(config: RunConfig) -> RunConfig:
    """Return what compiled programs depend on; runs with equal keys share them.

    Of the data only the batch size is kept: how many examples are read, and how long they are, shows in
    the shapes of the arrays that a program is called with.
    """
    batches = DataConfig(batch_size=config.data.batch_size)
    return lane_key(config).model_copy(update={"data": batches})


def lane_key(config: RunConfig) -> RunConfig:
    """Return what programs and data depend on; runs with equal keys can be lanes of one program."""
    key = _at_defaults(config)
    dropout = SOME_DROPOUT if config.model.dropout > 0 else 0.0
    # The variant is a name; what it stands for is in the fields of the recurrence.
    return key.model_copy(
        update={"variant": "", "model": key.model.model_copy(update={"dropout": dropout})}
    )


def _at_defaults(model: Model) -> Model:
    """Return a copy whose traced fields, at any depth, have their default values."""
    changed = {}
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        if TRACED in info.metadata:
            changed[name] = info.get_default()
        elif isinstance(value, BaseModel):
            changed[name] = _at_defaults(value)
    return model.model_copy(update=changed)
