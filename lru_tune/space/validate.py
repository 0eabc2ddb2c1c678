"""Checks of a whole search space, each of whose entries is valid by itself."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from lru_tune.config.document import Locate
from lru_tune.config.fields import unknown_field, wrong_value
from lru_tune.config.resolve import base_fields
from lru_tune.errors import ConfigError, Problem, did_you_mean, problem
from lru_tune.space.domains import Domain, Range
from lru_tune.space.sample_space import SampleSpace

Found = Iterator[tuple[str, Problem]]  # where in the file, what is wrong
DRAWS = 1000
MOST_REJECTED = 0.95
BASE_POINT = "base"  # a start point that every space has: base's own values


def check(space: SampleSpace, locate: Locate) -> list[Problem]:
    """Return every problem; `locate` adds the place in the file. Takes some tens of milliseconds."""
    for group in _CHECKS:
        if found := [locate(path, wrong) for part in group for path, wrong in part(space)]:
            return found
    return []


def _values(space: SampleSpace) -> Found:
    fields = base_fields(space.variant)
    for path, domain in space.domains.items():
        wrong = (p for value in _examples(domain) if (p := wrong_value(fields[path], value)))
        if found := next(wrong, None):
            if found.values.get("expected") == "an integer" and isinstance(domain, Range):
                found = problem("space.integers-needed", given=found.values["given"])
            yield f"search.{path}", found


def _examples(domain: Domain) -> list[Any]:
    rng = np.random.default_rng(0)  # values between the ends, to find reals for whole-number fields
    return [*domain.ends(), *(domain.draw(rng) for _ in range(3))]


def _names(space: SampleSpace) -> Found:
    known = base_fields(space.variant)
    for index, constraint in enumerate(space.constraints):
        place = f"constraints.{index}"
        for name in constraint.names:
            if name not in known:
                why = unknown_field(name, known)
                yield place, problem("space.constraint-unknown-field", field=name, why=why)
            elif name not in space.base and name not in space.domains:
                yield place, problem("space.constraint-field-unset", field=name)
    for name in space.tune.start_points:
        if name not in space.points and name != BASE_POINT:
            hint = did_you_mean(name, [*space.points, BASE_POINT])
            yield "tune.start_points", problem("space.unknown-point", name=name, hint=hint)


def _ends(space: SampleSpace) -> Found:
    for path, domain in space.domains.items():
        for end in domain.ends():
            why = _why_invalid(space, {path: end})
            # An end that a constraint rejects beside base may be fine beside another value.
            if why and _constraints_hold(space, {path: end}):
                yield f"search.{path}", problem("space.invalid-end", end=end, why=why)
                break


def _constraints_hold(space: SampleSpace, sample: dict[str, Any]) -> bool:
    return all(constraint.holds(space.base | sample) for constraint in space.constraints)


def _why_invalid(space: SampleSpace, sample: dict[str, Any]) -> str | None:
    try:
        space.realise(sample)
    except ConfigError as error:
        return "; ".join(map(str, error.problems))
    return None


def _comparisons(space: SampleSpace) -> Found:
    for index, constraint in enumerate(space.constraints):
        try:
            for sample in _samples(space, 20):
                constraint.holds(sample)
        except TypeError as error:
            yield f"constraints.{index}", problem("space.constraint-types", reason=str(error))


def _samples(space: SampleSpace, count: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [space.base | space.draw(rng) for _ in range(count)]


def _draws(space: SampleSpace) -> Found:
    if not space.constraints:
        return
    samples = _samples(space, DRAWS)
    rejected = [[not constraint.holds(s) for s in samples] for constraint in space.constraints]
    share = np.mean(np.any(rejected, axis=0))
    if share > MOST_REJECTED:
        worst = int(np.argmax(np.mean(rejected, axis=1)))
        culprit = space.constraints[worst]
        yield (
            f"constraints.{worst}",
            problem(
                "space.constraint-rejects",
                constraint=culprit.text,
                share=float(np.mean(rejected[worst])),
                of_all=float(share),
                draws=DRAWS,
                field=culprit.names[0],
            ),
        )


def _points(space: SampleSpace) -> Found:
    for name in space.tune.start_points:
        point = space.complete(space.points.get(name, {}))
        place = f"points.{name}" if name in space.points else "tune.start_points"
        outside = [path for path, value in point.items() if not space.domains[path].contains(value)]
        for path in outside:
            domain = space.domains[path].to_mapping()
            outside_of = problem(
                "space.point-outside", value=point[path], domain=domain, point=name
            )
            yield f"{place}.{path}", outside_of
        if not outside and not space.satisfies(point):
            why = _why_invalid(space, point) or "a constraint rejects it"
            yield place, problem("space.invalid-point", point=name, why=why)


def _scheduler(space: SampleSpace) -> Found:
    lengths = {*space.base, *space.domains}
    if "epochs" in lengths:
        return  # their number of steps depends on the data
    for found in space.too_late(space.horizon(train_examples=2**62)):
        path = found.key or ""
        yield path if path.startswith("tune.") else f"base.{path}", found


def _grid(space: SampleSpace) -> Found:
    if space.tune.searcher.kind == "grid":
        try:
            space.grid()
        except ConfigError as error:
            yield from (("tune.searcher", found) for found in error.problems)


# Each group relies on the ones before it, so that one mistake is reported once.
_CHECKS = ((_values, _names), (_comparisons,), (_ends, _draws, _points, _scheduler, _grid))
