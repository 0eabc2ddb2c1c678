"""The dotted fields of a pydantic model, and validation that reports every problem at once."""

import difflib
import functools
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from lru_tune.config.document import Locate
from lru_tune.config.dotted import nest
from lru_tune.config.pydantic_errors import describe
from lru_tune.errors import ConfigError, Problem, problem

Model = TypeVar("Model", bound=BaseModel)
Fields = dict[str, TypeAdapter[Any]]

# Names of our fields in papers and in other toolkits.
SYNONYMS: Mapping[str, str] = {
    "lr": "learning_rate",
    "lr_base": "learning_rate",
    "lr_factor": "recurrent_lr_factor",
    "wd": "weight_decay",
    "warmup": "warmup_fraction",
    "warmup_end": "warmup_fraction",
    "p_dropout": "dropout",
    "depth": "n_layers",
    "layers": "n_layers",
    "H": "d_model",
    "N": "d_hidden",
    "bs": "batch_size",
    "bsz": "batch_size",
    "iterations": "steps",
    "num_samples": "trials",
    "grace_period": "grace",
    "algorithm": "searcher",
}


def fields_of(model: type[BaseModel], flat: Mapping[str, Any] | None = None) -> Fields:
    """Return dotted field -> validator of one value.

    Args:
      model: the top-level model.
      flat: dotted values; the `kind` of a tagged union among them selects the member whose fields are
        returned. Without one it is the default member.
    """
    kinds = tuple((k, v) for k, v in (flat or {}).items() if k.rpartition(".")[2] == "kind")
    return dict(_fields(model, tuple((k, v) for k, v in kinds if isinstance(v, str))))


@functools.cache
def _fields(model: type[BaseModel], kinds: tuple[tuple[str, str], ...], prefix: str = "") -> Fields:
    chosen, found = dict(kinds), {}
    for name, info in model.model_fields.items():
        path = prefix + name
        members = {tag_of(member): member for member in models_in(info.annotation)}
        if not members:
            found[path] = _adapter(with_bounds(info))
        elif len(members) == 1:
            found |= _fields(*members.values(), kinds, f"{path}.")
        else:
            kind = chosen.get(f"{path}.kind", info.default.kind)
            found |= _fields(members.get(kind, type(info.default)), kinds, f"{path}.")
            found[f"{path}.kind"] = _adapter(Literal[*members])
    return found


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation, config=ConfigDict(allow_inf_nan=False))


def with_bounds(info: FieldInfo) -> Any:
    """Return a field's annotation with its bounds, which pydantic stores apart from it."""
    return Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that a field may hold: none for a plain value, several for a tagged union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is Annotated:
        return models_in(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [model for member in get_args(annotation) for model in models_in(member)]
    return []


def tag_of(model: type[BaseModel]) -> Any:
    """Return the `kind` that selects a member of a tagged union; None for other models."""
    return model.model_fields["kind"].default if "kind" in model.model_fields else None


def unknown_field(path: str, known: Mapping[str, Any]) -> Problem:
    """Return why a path is not a field: it is a group, or there is none, but perhaps a similar one."""
    if any(name.startswith(f"{path}.") for name in known):
        return problem("config.group-of-fields", group=path)
    group, _, leaf = path.rpartition(".")
    siblings = {name.rpartition(".")[2]: name for name in known if name.rpartition(".")[0] == group}
    leaves = {name.rpartition(".")[2]: name for name in known}
    if near := _nearest(leaf, siblings):
        hint = f" Did you mean {near!r}?"
    elif near := _nearest(leaf, leaves):
        hint = f" Did you mean {leaves[near]!r}?"
    else:
        hint = f" Known: {', '.join(sorted(siblings or known))}."
    return problem("config.unknown-field", hint=hint)


def _nearest(word: str, known: Mapping[str, str]) -> str | None:
    """Return the known name that a word equals, abbreviates or resembles."""
    spellings = {name: name for name in known}
    spellings |= {short: name for short, name in SYNONYMS.items() if name in known}
    found = difflib.get_close_matches(word, spellings, n=1, cutoff=0.5)
    return spellings[found[0]] if found else None


def validate(model: type[Model], flat: Mapping[str, Any], locate: Locate) -> Model:
    """Return the model made of dotted values.

    Args:
      model: what to make.
      flat: dotted field -> value as written.
      locate: adds the place of a dotted field ("" for the whole) to a problem.

    Raises:
      ConfigError: unknown fields and wrong values, all of them; if there are none, the rules between
        fields.
    """
    problems = problems_in(fields_of(model, flat), flat, locate)
    if problems:
        raise ConfigError(*problems)
    try:
        return model.model_validate(nest(dict(flat)))
    except ValidationError as error:
        raise ConfigError(*_broken_rules(error, flat, locate)) from None


def problems_in(fields: Fields, flat: Mapping[str, Any], locate: Locate) -> list[Problem]:
    """Return a problem for each unknown field and each value that is not of its field's type."""
    found = {
        path: wrong_value(fields[path], value) if path in fields else unknown_field(path, fields)
        for path, value in flat.items()
    }
    return [locate(path, problem) for path, problem in found.items() if problem]


def wrong_value(field: TypeAdapter[Any], value: Any) -> Problem | None:
    """Return what is wrong with a value for a field, None if nothing is."""
    try:
        field.validate_python(value)
    except ValidationError as error:
        return describe(error.errors()[0])
    return None


def _broken_rules(error: ValidationError, flat: Mapping[str, Any], locate: Locate) -> list[Problem]:
    problems = []
    for detail in error.errors():
        # A tagged union puts its tag into the location; only names that lead somewhere are kept.
        path = ""
        for part in map(str, detail["loc"]):
            longer = f"{path}.{part}" if path else part
            leads_on = any(name == longer or name.startswith(f"{longer}.") for name in flat)
            if leads_on or detail["type"] == "missing":
                path = longer
        problems.append(locate(path, describe(detail)))
    return problems
