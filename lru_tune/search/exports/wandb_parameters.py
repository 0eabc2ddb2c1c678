"""The parameters of a W&B sweep file: constants, dimensions, and what has no counterpart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lru_tune.config.document import Document, show
from lru_tune.config.pydantic_errors import wrong_type
from lru_tune.errors import Invalid, Problem, did_you_mean, problem
from lru_tune.search.exports.wandb_tables import (
    DATASET,
    DISTRIBUTIONS,
    FLAGS,
    FOREIGN,
    NEEDED,
    SPEC_KEYS,
    WARMUP,
    WITHOUT_COUNTERPART,
    Made,
)
from lru_tune.space.domains import is_number, parse_domain

MOST_GRID_VALUES = 1000  # of one dimension of a grid


@dataclass
class Sweep:
    """A sweep while it is read; problems are collected, not raised.

    Attributes:
      document: the file.
      grid: whether every dimension has to be a list of values.
      constants: dotted field -> value.
      search: dotted field -> `{kind: [...]}`.
      origins: dotted field -> path in the sweep.
      special: parameters that are not a field of their own, name -> (path, value).
      problems: what is wrong.
      notes, left: what becomes something else, and what is not carried over: (line or 0, message).
    """

    document: Document
    grid: bool = False
    constants: dict[str, Any] = field(default_factory=dict)
    search: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    special: dict[str, tuple[str, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    left: list[tuple[int, str]] = field(default_factory=list)

    def wrong(self, path: str, problem: Problem) -> None:
        """Add a problem."""
        self.problems.append(self.document.locate(path, problem))

    def note(self, path: str, text: str) -> None:
        """Add what becomes something else."""
        self.notes.append(self._line(path, text))

    def leave(self, path: str, text: str) -> None:
        """Add what is not carried over."""
        self.left.append(self._line(path, f"not carried over; {text}"))

    def _line(self, path: str, text: str) -> tuple[int, str]:
        line = self.document.origin(path)
        place = f"{self.document.name}:{line}" if line else self.document.name
        return int(line or 0), f"{place}: {path}: {text}"


def read_parameters(sweep: Sweep) -> None:
    """Read every parameter into constants, dimensions, specials or what is left."""
    parameters = sweep.document.content.get("parameters")
    if not isinstance(parameters, dict) or not parameters:
        sweep.wrong("parameters", wrong_type("a mapping of names", parameters))
        return
    for name, path, spec in _leaves(parameters, "parameters"):
        if name in FOREIGN:
            sweep.leave(path, FOREIGN[name])
            continue
        known = {**FLAGS, **dict.fromkeys((DATASET, WARMUP))}
        fields = {flag.field for flag in FLAGS.values()}
        if name not in known and name not in fields:
            hint = did_you_mean(name, known)
            sweep.leave(path, "no such parameter is known." + hint * ("Did you mean" in hint))
            continue
        if not isinstance(spec, dict):
            sweep.wrong(path, wrong_type("a mapping such as {values: [1, 2]}", spec))
            continue
        _parameter(sweep, name, path, spec)


def _leaves(
    parameters: Mapping[str, Any], prefix: str, group: str = ""
) -> Iterator[tuple[str, str, Any]]:
    """Yield (name, path in the file, specification) of every parameter, nested ones with dotted names."""
    for key, spec in parameters.items():
        path, name = f"{prefix}.{key}", f"{group}{key}"
        if isinstance(spec, dict) and isinstance(spec.get("parameters"), dict):
            yield from _leaves(spec["parameters"], f"{path}.parameters", f"{name}.")
        else:
            yield name, path, spec


def _parameter(sweep: Sweep, name: str, path: str, spec: Mapping[str, Any]) -> None:
    for key in spec.keys() - SPEC_KEYS:
        hint = did_you_mean(key, SPEC_KEYS)
        sweep.wrong(f"{path}.{key}", problem("wandb.unknown-key", hint=hint))
    if "value" in spec:
        _constant(sweep, name, path, spec["value"])
        return
    kind = spec.get("distribution") or _kind(spec)
    if kind == "constant":
        sweep.wrong(path, problem("wandb.key-missing", distribution=kind, missing="value"))
    elif kind is None:
        sweep.wrong(path, problem("wandb.no-values", given=", ".join(spec) or "nothing"))
    elif kind in WITHOUT_COUNTERPART:
        sweep.leave(path, f"distribution {kind} has no counterpart; the field keeps one value")
    elif kind not in DISTRIBUTIONS:
        hint = did_you_mean(str(kind), DISTRIBUTIONS)
        unknown = problem("wandb.unknown-distribution", kind=show(kind), hint=hint)
        sweep.wrong(f"{path}.distribution", unknown)
    elif missing := [key for key in NEEDED[kind] if key not in spec]:
        sweep.wrong(path, problem("wandb.key-missing", distribution=kind, missing=missing[0]))
    elif found := _wrong_type(spec):
        sweep.wrong(path, found)
    else:
        _searched(sweep, name, path, kind, spec)


def _kind(spec: Mapping[str, Any]) -> str | None:
    """Return the distribution that W&B takes where none is named."""
    if "values" in spec:
        return "categorical_w_probabilities" if "probabilities" in spec else "categorical"
    if not {"min", "max"} <= spec.keys():
        return None
    whole = all(isinstance(spec[key], int) for key in ("min", "max"))
    return "int_uniform" if whole else "uniform"


def _wrong_type(spec: Mapping[str, Any]) -> Problem | None:
    """Return what is wrong with the types of a specification, None if nothing is."""
    if "values" in spec and (not isinstance(spec["values"], list) or not spec["values"]):
        return wrong_type("a list of `values`", spec["values"])
    for key in ("min", "max", "q"):
        if not is_number(value := spec.get(key, 1)):
            return problem("space.bad-bound", name=key, expected="a number", given=value)
    return None


def _constant(sweep: Sweep, name: str, path: str, value: Any) -> None:
    if name in (DATASET, WARMUP):
        sweep.special[name] = (path, value)
        return
    flag = FLAGS.get(name)
    target = flag.field if flag else name
    sweep.constants[target] = _translated(name, value)
    sweep.origins[target] = path


def _searched(sweep: Sweep, name: str, path: str, kind: str, spec: Mapping[str, Any]) -> None:
    if name == DATASET:
        sweep.wrong(path, problem("wandb.several-datasets"))
        return
    if name == WARMUP:
        sweep.leave(path, "a searched number of epochs; search optim.warmup_fraction instead")
        return
    flag = FLAGS.get(name)
    target = flag.field if flag else name
    try:
        made = DISTRIBUTIONS[kind](spec)
        (domain,) = made.domain
        values = [_translated(name, value) for value in made.domain[domain]]
        made = _as_grid({domain: values}) if sweep.grid else made._replace(domain={domain: values})
        parse_domain(made.domain)
    except Invalid as error:
        sweep.wrong(path, error.problem)
        return
    except OverflowError:
        sweep.wrong(path, problem("wandb.exponent-too-large"))
        return
    if made.remark:
        sweep.note(path, made.remark)
    sweep.search[target] = made.domain
    sweep.origins[target] = path


def _as_grid(domain: dict[str, list[Any]]) -> Made:
    """Return a list of values for a grid; a range of integers or of steps is written out."""
    ((kind, values),) = domain.items()
    if kind == "choice":
        return Made({kind: values})
    if kind not in ("randint", "quniform"):
        raise Invalid("wandb.grid-of-range")
    low, high, q = (*values, 1)[:3]
    count = round((high - low) / q) + 1
    if count > MOST_GRID_VALUES:
        raise Invalid("wandb.grid-too-large", count=count)
    return Made({"choice": [low + number * q for number in range(count)]})


def _translated(name: str, value: Any) -> Any:
    flag = FLAGS.get(name)
    if flag is None or isinstance(value, list | dict):
        return value
    return flag.values.get(value, value)
