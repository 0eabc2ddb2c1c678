"""What is wrong with a search space whose every entry is well written."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from lru_tune.config.fields import unknown_field, wrong_value
from lru_tune.config.messages import Say
from lru_tune.config.resolve import base_fields
from lru_tune.errors import ConfigError, did_you_mean
from lru_tune.space.domains import Domain

if TYPE_CHECKING:
    from lru_tune.space.space import SearchSpace

DRAWS = 1000
MOST_REJECTED = 0.95
BASE_POINT = "base"  # a start point that every space has: base's own values


def check(space: "SearchSpace", say: Say) -> list[str]:
    """Return a line for each problem; `say` puts the place before it. Takes some tens of milliseconds."""
    for group in _CHECKS:
        if problems := [line for part in group for line in part(space, say)]:
            return problems
    return []


def _values(space: "SearchSpace", say: Say) -> Iterator[str]:
    fields = base_fields(space.variant)
    for path, domain in space.domains.items():
        wrong = (text for value in _examples(domain) if (text := wrong_value(fields[path], value)))
        if text := next(wrong, None):
            hint = "; use randint or lograndint" if "whole number" in text else ""
            yield say(f"search.{path}", text + hint)


def _examples(domain: Domain) -> list[Any]:
    rng = np.random.default_rng(0)  # values between the ends, to find reals for whole-number fields
    return [*domain.ends(), *(domain.draw(rng) for _ in range(3))]


def _names(space: "SearchSpace", say: Say) -> Iterator[str]:
    known = base_fields(space.variant)
    for index, constraint in enumerate(space.constraints):
        place = f"constraints.{index}"
        for name in constraint.names:
            if name not in known:
                yield say(place, f"{name}: {unknown_field(name, known)}")
            elif name not in space.base and name not in space.domains:
                yield say(place, f"{name} has no value; give it one under base")
    for name in space.tune.start_points:
        if name not in space.points and name != BASE_POINT:
            hint = did_you_mean(name, [*space.points, BASE_POINT])
            yield say("tune.start_points", f"no start point {name!r} under `points`.{hint}")


def _ends(space: "SearchSpace", say: Say) -> Iterator[str]:
    for path, domain in space.domains.items():
        for end in domain.ends():
            text = _why_invalid(space, {path: end})
            # An end that a constraint rejects beside base may be fine beside another value.
            if text and _constraints_hold(space, {path: end}):
                yield say(f"search.{path}", f"{end!r} with the rest at base: {text}")
                break


def _constraints_hold(space: "SearchSpace", sample: dict[str, Any]) -> bool:
    return all(constraint.holds(space.base | sample) for constraint in space.constraints)


def _why_invalid(space: "SearchSpace", sample: dict[str, Any]) -> str | None:
    try:
        space.realise(sample)
    except ConfigError as error:
        return "; ".join(error.problems)
    return None


def _comparisons(space: "SearchSpace", say: Say) -> Iterator[str]:
    for index, constraint in enumerate(space.constraints):
        try:
            for sample in _samples(space, 20):
                constraint.holds(sample)
        except TypeError as error:
            yield say(f"constraints.{index}", f"cannot be judged: {error}")


def _samples(space: "SearchSpace", count: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [space.base | space.draw(rng) for _ in range(count)]


def _draws(space: "SearchSpace", say: Say) -> Iterator[str]:
    if not space.constraints:
        return
    samples = _samples(space, DRAWS)
    rejected = [[not constraint.holds(s) for s in samples] for constraint in space.constraints]
    share = np.mean(np.any(rejected, axis=0))
    if share > MOST_REJECTED:
        worst = int(np.argmax(np.mean(rejected, axis=1)))
        culprit = space.constraints[worst]
        yield say(
            f"constraints.{worst}",
            f'constraint "{culprit.text}" rejects {np.mean(rejected[worst]):.0%} of the space '
            f"({DRAWS} draws; all constraints: {share:.0%}); widen {culprit.names[0]} or drop the "
            "constraint",
        )


def _points(space: "SearchSpace", say: Say) -> Iterator[str]:
    for name in space.tune.start_points:
        point = space.complete(space.points.get(name, {}))
        place = f"points.{name}" if name in space.points else "tune.start_points"
        outside = [path for path, value in point.items() if not space.domains[path].contains(value)]
        for path in outside:
            yield say(
                f"{place}.{path}",
                f"{point[path]!r} is outside of {space.domains[path].to_mapping()} "
                f"(start point {name!r}; what a point does not name comes from base)",
            )
        if not outside and not space.satisfies(point):
            why = _why_invalid(space, point) or "a constraint rejects it"
            yield say(place, f"start point {name!r} is not valid: {why}")


def _scheduler(space: "SearchSpace", say: Say) -> Iterator[str]:
    lengths = {*space.base, *space.domains}
    if "epochs" in lengths:
        return  # how many steps that is, only the data can tell
    for path, text in space.too_late(space.horizon(train_examples=2**62)).items():
        yield say(path if path.startswith("tune.") else f"base.{path}", text)


def _grid(space: "SearchSpace", say: Say) -> Iterator[str]:
    if space.tune.searcher.kind == "grid":
        try:
            space.grid()
        except ConfigError as error:
            yield from (say("tune.searcher", text) for text in error.problems)


# Each group relies on the ones before it, so that one mistake is not told twice.
_CHECKS = ((_values, _names), (_comparisons,), (_ends, _draws, _points, _scheduler, _grid))
