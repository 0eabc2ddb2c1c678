"""The reference of all fields, generated from the models: docs/fields.md."""

import inspect
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from lru_tune.config.fields import models_in, tag_of, with_bounds
from lru_tune.config.schema import TRACED
from lru_tune.formatting import markdown_table

_BOUNDS: Mapping[str, str] = {
    "gt": "above {}",
    "ge": "from {}",
    "lt": "and below {}",
    "le": "to {}",
}
_NAMED: Mapping[float, str] = {math.tau: "2 pi", 2**31: "2^31"}
_TYPES: Mapping[str, str] = {
    "array": "list of names",
    "boolean": "`true`, `false`",
    "integer": "integer",
    "number": "number",
    "string": "name",
}


class FieldEntry(NamedTuple):
    """A field in words.

    Attributes:
      path: dotted.
      values: type and range.
      default: as written in YAML; "" where the field has none, or where it is null.
      traced: whether another value needs no new compilation.
      description: the string below the field in the model; "" where there is none.
    """

    path: str
    values: str
    default: str
    traced: bool
    description: str


class Group(NamedTuple):
    """The fields of one model.

    Attributes:
      prefix: of their paths, "" or ending in a dot.
      member: ", diagonal" and so on, where the group is a tagged union; else "".
      model: the model.
      entries: its fields in order, without those that are models themselves.
    """

    prefix: str
    member: str
    model: type[BaseModel]
    entries: list[FieldEntry]


def groups(model: type[BaseModel], prefix: str = "", member: str = "") -> Iterator[Group]:
    """Yield the fields of a model, then those of the models in it, for every member of a tagged union.

    Args:
      model: the top-level model.
      prefix: see `Group`.
      member: see `Group`.
    """
    entries, inner = [], []
    for name, info in model.model_fields.items():
        if members := models_in(info.annotation):
            several = len(members) > 1
            inner += [(m, f"{prefix}{name}.", f", {tag_of(m)}" if several else "") for m in members]
            continue
        annotation = with_bounds(info)
        entries.append(
            FieldEntry(
                path=prefix + name,
                values=_values(annotation),
                default=_written(info.default),
                traced=TRACED in info.metadata,
                description=info.description or "",
            )
        )
    yield Group(prefix, member, model, entries)
    for below in inner:
        yield from groups(*below)


def _values(annotation: Any) -> str:
    """Return type and range of a field, from its annotation."""
    schema = TypeAdapter(annotation).json_schema()
    parts = [part for part in schema.get("anyOf", [schema]) if part["type"] != "null"]
    return " or ".join(_value(part, annotation) for part in parts)


def _value(schema: dict[str, Any], annotation: Any) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    return " ".join([_TYPES[schema["type"]], *_bounds(annotation)])


def _bounds(annotation: Any) -> list[str]:
    """Return the bounds of an annotation; JSON schema omits those behind our own validators."""
    found = []
    for part in get_args(annotation):
        for mark in part.metadata if isinstance(part, FieldInfo) else [part]:
            found += [
                t.format(_written(getattr(mark, k))) for k, t in _BOUNDS.items() if hasattr(mark, k)
            ]
        found += _bounds(part)
    return found


def _written(value: Any) -> str:
    """Return a value as the reference shows it; "" for None and for no default."""
    if value is None or value is PydanticUndefined or value == ():
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if value in _NAMED:
        return _NAMED[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def as_markdown(model: type[BaseModel], prefix: str = "") -> str:
    """Return a section for each group of fields, with a table of them.

    The column "compiled anew" is left out where no field of the model is traced.
    """
    found = [group for group in groups(model, prefix) if group.entries]
    compiled = any(entry.traced for group in found for entry in group.entries)
    return "\n".join(_section(group, compiled) for group in found)


def _section(group: Group, compiled: bool) -> str:
    head = ["field", "values", "default", *(["compiled anew"] if compiled else []), "meaning"]
    summary = inspect.cleandoc(group.model.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    title = f"`{group.prefix.removesuffix('.')}`{group.member}" if group.prefix else "Top level"
    rows = []
    for entry in group.entries:
        default = f"`{entry.default}`" if entry.default else ""
        anew = ["no" if entry.traced else "yes"] if compiled else []
        rows.append([f"`{entry.path}`", entry.values, default, *anew, entry.description])
    return "\n".join([f"### {title}", "", summary, "", *markdown_table(head, rows), ""])
