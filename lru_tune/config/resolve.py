"""From written fields to a RunConfig: the variant's fields added, one of `steps` and `epochs` kept."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from lru_tune.config.document import Locate
from lru_tune.config.dotted import flatten
from lru_tune.config.fields import fields_of, validate
from lru_tune.config.pydantic_errors import wrong_type
from lru_tune.config.schema import RunConfig
from lru_tune.config.variants import VARIANTS, find_variant
from lru_tune.errors import ConfigError, Problem, problem
from lru_tune.tasks import find_task

RECURRENCE = "model.recurrence."
TOP_LEVEL = ("task", "variant")  # fields of RunConfig that stand in a file outside of `base`
SAME_THING = {"steps": "epochs", "epochs": "steps"}


class Heading(NamedTuple):
    """The entries of a file outside of `base`: the canonical task and a known variant."""

    task: str
    variant: str


def _canonical_task(name: str) -> str:
    return find_task(name).name


def _known_variant(name: str) -> str:
    find_variant(name)
    return name


_HEADING: dict[str, Callable[[str], str]] = {"task": _canonical_task, "variant": _known_variant}


def read_heading(content: Mapping[str, Any], locate: Locate) -> Heading:
    """Return task and variant ("lru" by default), aliases resolved; raise ConfigError otherwise."""
    problems, found = [], {}
    for key, find in _HEADING.items():
        name = content.get(key, RunConfig.model_fields[key].get_default())
        if not isinstance(name, str):
            missing = problem("config.missing")
            problems.append(locate(key, wrong_type("a name", name) if key in content else missing))
            continue
        try:
            found[key] = find(name)
        except ConfigError as error:
            problems += [locate(key, problem) for problem in error.problems]
    if problems:
        raise ConfigError(*problems)
    return Heading(**found)


def variant_fields(variant: str) -> dict[str, Any]:
    """Return the dotted fields a variant fixes."""
    return {RECURRENCE + name: value for name, value in find_variant(variant).items()}


def base_fields(variant: str) -> dict[str, Any]:
    """Return dotted field -> validator for everything that `base` and `search` may name."""
    fields = fields_of(RunConfig, variant_fields(variant))
    return {path: field for path, field in fields.items() if path not in TOP_LEVEL}


def assign(flat: dict[str, Any], path: str, value: Any) -> None:
    """Set a field in place; of `steps` and `epochs`, the one set last replaces the other."""
    flat.pop(SAME_THING.get(path, ""), None)
    flat[path] = value


class Adapted(NamedTuple):
    """Fields as another variant has them, and the names of those it lacks."""

    flat: dict[str, Any]
    dropped: tuple[str, ...]


def adapt(flat: Mapping[str, Any], variant: str) -> Adapted:
    """Drop the fields below `model.recurrence` that a variant fixes or does not have."""
    fixed, known = variant_fields(variant), base_fields(variant)

    def stays(path: str) -> bool:
        return not path.startswith(RECURRENCE) or (path in known and path not in fixed)

    kept = {path: value for path, value in flat.items() if stays(path)}
    return Adapted(kept, tuple(path for path in flat if path not in kept and path not in fixed))


def fixed_by_variant(variant: str, flat: Mapping[str, Any], locate: Locate) -> list[Problem]:
    """Return a problem for each field that contradicts what the variant fixes."""
    fixed = variant_fields(variant)
    return [
        locate(path, problem("config.fixed-by-variant", variant=variant, value=fixed[path]))
        for path, value in flat.items()
        if path in fixed and value != fixed[path]
    ]


@functools.cache
def all_fields() -> frozenset[str]:
    """Return the dotted fields that `base` may name with one variant or another."""
    return frozenset(path for variant in VARIANTS for path in base_fields(variant))


def not_in_variant(path: str, variant: str) -> Problem | None:
    """Return that another variant has this field and this one has not; None where that is not so."""
    if path in base_fields(variant) or path not in all_fields():
        return None
    kind = find_variant(variant)["kind"]
    return problem("config.not-in-variant", variant=variant, kind=kind)


def resolve(heading: Heading, flat: Mapping[str, Any], locate: Locate) -> RunConfig:
    """Return the RunConfig of task, variant and dotted fields; what is left out takes its default.

    Raises:
      ConfigError: every problem found.
    """
    task, variant = heading
    problems = fixed_by_variant(variant, flat, locate)
    problems += [
        locate(path, problem("config.belongs-at-the-top")) for path in TOP_LEVEL if path in flat
    ]
    foreign = {path: found for path in flat if (found := not_in_variant(path, variant))}
    problems += [locate(path, found) for path, found in foreign.items()]
    rest = {path: value for path, value in flat.items() if path not in (*TOP_LEVEL, *foreign)}
    whole = {"task": task, "variant": variant, **rest, **variant_fields(variant)}
    try:
        config = validate(RunConfig, whole, locate)
    except ConfigError as error:
        raise ConfigError(*problems, *error.problems) from None
    if problems:
        raise ConfigError(*problems)
    return config


def flat_fields(config: RunConfig) -> dict[str, Any]:
    """Return the dotted fields of a config that `base` holds: no task, no variant, nothing that is None."""
    flat = flatten(config.model_dump())
    return {k: v for k, v in flat.items() if v is not None and k not in TOP_LEVEL}
