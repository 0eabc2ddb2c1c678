"""From the written entries of a draft to typed parts; reports every problem at once."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from pydantic import TypeAdapter

from lru_tune.config.document import Locate, in_file_order
from lru_tune.config.dotted import flatten
from lru_tune.config.fields import Fields, problems_in, unknown_field, validate, wrong_value
from lru_tune.config.pydantic_errors import wrong_type
from lru_tune.config.resolve import (
    Heading,
    base_fields,
    not_in_variant,
    read_heading,
    resolve,
    variant_fields,
)
from lru_tune.config.schema import RunConfig
from lru_tune.errors import ConfigError, Invalid, Problem, problem
from lru_tune.space.constraints import Constraint, parse_constraint
from lru_tune.space.domains import Choice, Domain, parse_domain
from lru_tune.space.layers import Draft
from lru_tune.space.settings import TuneSettings

Made = TypeVar("Made")


class Parts(NamedTuple):
    """The typed parts of a space."""

    heading: Heading
    config: RunConfig
    domains: dict[str, Domain]
    constraints: tuple[Constraint, ...]
    points: dict[str, dict[str, Any]]
    tune: TuneSettings


def parse(draft: Draft) -> Parts:
    """Return the typed parts; raise ConfigError with the problems of the draft and all found here."""
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


def _domains(search: Mapping[str, Any], variant: str, locate: Locate) -> dict[str, Domain]:
    fields, fixed = base_fields(variant), variant_fields(variant)
    domains: dict[str, Domain] = {}
    problems = []
    for path, written in search.items():
        if path not in fields:
            wrong = [not_in_variant(path, variant) or unknown_field(path, fields)]
        elif path in fixed:
            wrong = [problem("config.fixed-by-variant", variant=variant, value=fixed[path])]
        else:
            try:
                domain = parse_domain(written)
            except Invalid as error:
                wrong = [error.problem]
            else:
                wrong = _wrong_choices(domain, fields[path])
                domains[path] = domain if wrong else _typed(domain, fields[path])
        problems += [locate(path, found) for found in wrong]
    if problems:
        raise ConfigError(*problems)
    return domains


def _wrong_choices(domain: Domain, field: TypeAdapter[Any]) -> list[Problem]:
    """Return what is wrong with the listed values of a choice; nothing of a range."""
    values = domain.values if isinstance(domain, Choice) else ()
    return [found for value in values if (found := wrong_value(field, value))]


def _typed(domain: Domain, field: TypeAdapter[Any]) -> Domain:
    """Return the domain with its listed values in the field's type, so that 1 becomes 1.0."""
    if not isinstance(domain, Choice):
        return domain
    return Choice(tuple(map(field.validate_python, domain.values)))


def _constraints(written: Any, locate: Locate) -> tuple[Constraint, ...]:
    if not isinstance(written, list):
        raise ConfigError(locate("", wrong_type("a list of strings", written)))
    parsed, problems = [], []
    for index, text in enumerate(written):
        try:
            parsed.append(parse_constraint(text))
        except Invalid as error:
            problems.append(locate(str(index), error.problem))
    if problems:
        raise ConfigError(*problems)
    return tuple(parsed)


def _points(draft: Draft, fields: Fields) -> dict[str, dict[str, Any]]:
    searched = {path: fields[path] for path in draft.search if path in fields}
    points: dict[str, dict[str, Any]] = {}
    problems = []
    for name, written in draft.points.items():
        locate = draft.document.under(f"points.{name}")
        if not isinstance(written, dict):
            problems.append(locate("", wrong_type("a mapping", written)))
            continue
        point = {
            k: v for k, v in flatten(written).items() if k in searched or k not in draft.removed
        }
        for path in point:
            if path in fields and path not in searched:
                problems.append(locate(path, problem("space.point-not-searched")))
        point = {k: v for k, v in point.items() if k in searched or k not in fields}
        if wrong := problems_in(searched, point, locate):
            problems += wrong
        else:
            points[name] = {k: searched[k].validate_python(v) for k, v in point.items()}
    if problems:
        raise ConfigError(*problems)
    return points
