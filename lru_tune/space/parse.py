"""From a draft's written entries to typed pieces, telling every problem at once."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from pydantic import TypeAdapter

from lru_tune.config.fields import Fields, problems_in, unknown_field, validate, wrong_value
from lru_tune.config.messages import Say, in_file_order, show
from lru_tune.config.resolve import (
    Heading,
    base_fields,
    lacking,
    read_heading,
    resolve,
    variant_fields,
)
from lru_tune.config.schema import RunConfig, flatten
from lru_tune.errors import ConfigError
from lru_tune.space.constraints import Constraint, parse_constraint
from lru_tune.space.domains import Choice, Domain, parse_domain
from lru_tune.space.layers import Draft
from lru_tune.space.settings import TuneSettings

Made = TypeVar("Made")


class Parts(NamedTuple):
    """The typed pieces of a space."""

    heading: Heading
    config: RunConfig
    domains: dict[str, Domain]
    constraints: tuple[Constraint, ...]
    points: dict[str, dict[str, Any]]
    tune: TuneSettings


def parse(draft: Draft) -> Parts:
    """Return the typed pieces; raise ConfigError with the draft's problems and all found on the way."""
    problems = list(draft.problems)

    def collect(make: Callable[[], Made]) -> Made | None:
        try:
            return make()
        except ConfigError as error:
            problems.extend(error.problems)
            return None

    under = draft.document.under
    heading = collect(lambda: read_heading(draft.heading, under("")))
    tune = collect(lambda: validate(TuneSettings, draft.tune, under("tune")))
    if heading is None:  # what fields there are depends on the variant
        raise ConfigError(*in_file_order(problems))
    config = collect(lambda: resolve(heading, draft.base, under("base")))
    domains = collect(lambda: _domains(draft.search, heading.variant, under("search")))
    constraints = collect(lambda: _constraints(draft.constraints, under("constraints")))
    points = collect(lambda: _points(draft, base_fields(heading.variant)))
    if config is None or domains is None or constraints is None or points is None or tune is None:
        raise ConfigError(*in_file_order(problems))
    if problems:
        raise ConfigError(*in_file_order(problems))
    return Parts(heading, config, domains, constraints, points, tune)


def _domains(search: Mapping[str, Any], variant: str, say: Say) -> dict[str, Domain]:
    fields, fixed = base_fields(variant), variant_fields(variant)
    domains: dict[str, Domain] = {}
    problems = []
    for path, written in search.items():
        if path not in fields:
            problems.append(say(path, lacking(path, variant) or unknown_field(path, fields)))
        elif path in fixed:
            problems.append(say(path, f"variant {variant!r} fixes this field"))
        else:
            try:
                domains[path] = _typed(parse_domain(written), fields[path])
            except ValueError as error:
                problems.append(say(path, str(error)))
    if problems:
        raise ConfigError(*problems)
    return domains


def _typed(domain: Domain, field: TypeAdapter[Any]) -> Domain:
    """Return the domain with its listed values in the field's type, so that 1 becomes 1.0."""
    if not isinstance(domain, Choice):
        return domain
    if wrong := [text for value in domain.values if (text := wrong_value(field, value))]:
        raise ValueError("; ".join(wrong))
    return type(domain)(tuple(map(field.validate_python, domain.values)))


def _constraints(written: Any, say: Say) -> tuple[Constraint, ...]:
    if not isinstance(written, list):
        raise ConfigError(say("", f"needs a list of texts, got {show(written)}"))
    parsed, problems = [], []
    for index, text in enumerate(written):
        try:
            parsed.append(parse_constraint(text))
        except ValueError as error:
            problems.append(say(str(index), str(error)))
    if problems:
        raise ConfigError(*problems)
    return tuple(parsed)


def _points(draft: Draft, fields: Fields) -> dict[str, dict[str, Any]]:
    searched = {path: fields[path] for path in draft.search if path in fields}
    points: dict[str, dict[str, Any]] = {}
    problems = []
    for name, written in draft.points.items():
        say = draft.document.under(f"points.{name}")
        if not isinstance(written, dict):
            problems.append(say("", f"needs a mapping, got {show(written)}"))
            continue
        point = {
            k: v for k, v in flatten(written).items() if k in searched or k not in draft.removed
        }
        for path in point:
            if path in fields and path not in searched:
                problems.append(say(path, "is not searched; a point names dimensions of `search`"))
        point = {k: v for k, v in point.items() if k in searched or k not in fields}
        if wrong := problems_in(searched, point, say):
            problems += wrong
        else:
            points[name] = {k: searched[k].validate_python(v) for k, v in point.items()}
    if problems:
        raise ConfigError(*problems)
    return points
