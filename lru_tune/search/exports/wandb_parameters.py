"""The parameters of a W&B sweep file: constants, dimensions, and what has no counterpart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lru_tune.config.messages import Document, show
from lru_tune.errors import did_you_mean
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
    """A sweep while it is read; problems are collected, never raised here.

    Attributes:
      document: the file.
      grid: whether every dimension has to be a list of values.
      constants: dotted field -> value.
      search: dotted field -> `{kind: [...]}`.
      origins: dotted field -> path in the sweep.
      special: what stands for no field of its own, name -> (path, value).
      problems, notes, left: what is wrong, said differently, or not carried over; a line each.
    """

    document: Document
    grid: bool = False
    constants: dict[str, Any] = field(default_factory=dict)
    search: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    special: dict[str, tuple[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def wrong(self, path: str, text: str) -> None:
        """Tell a problem."""
        self.problems.append(self.document.problem(path, text))

    def note(self, path: str, text: str) -> None:
        """Tell what is said differently here."""
        self.notes.append(self.document.problem(path, text))

    def leave(self, path: str, text: str) -> None:
        """Tell what is not carried over."""
        self.left.append(self.document.problem(path, f"not carried over; {text}"))


def read_parameters(sweep: Sweep) -> None:
    """Read every parameter into constants, dimensions, specials or what is left."""
    parameters = sweep.document.content.get("parameters")
    if not isinstance(parameters, dict) or not parameters:
        sweep.wrong("parameters", f"needs a mapping of names, got {show(parameters)}")
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
            sweep.wrong(path, f"needs a mapping such as {{values: [1, 2]}}, got {show(spec)}")
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
        sweep.wrong(f"{path}.{key}", f"no such key.{did_you_mean(key, SPEC_KEYS)}")
    if "value" in spec:
        _constant(sweep, name, path, spec["value"])
        return
    kind = spec.get("distribution") or _kind(spec)
    if kind == "constant":
        sweep.wrong(path, "constant needs `value`")
    elif kind is None:
        sweep.wrong(path, f"needs value, values, or min and max; got {', '.join(spec) or 'none'}")
    elif kind in WITHOUT_COUNTERPART:
        sweep.leave(path, f"distribution {kind} has no counterpart; the field keeps one value")
    elif kind not in DISTRIBUTIONS:
        hint = did_you_mean(str(kind), DISTRIBUTIONS)
        sweep.wrong(f"{path}.distribution", f"no such distribution: {show(kind)}.{hint}")
    elif missing := [key for key in NEEDED[kind] if key not in spec]:
        sweep.wrong(path, f"{kind} needs {' and '.join(NEEDED[kind])}; {missing[0]} is missing")
    elif text := _untypical(spec):
        sweep.wrong(path, text)
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


def _untypical(spec: Mapping[str, Any]) -> str:
    """Return what is wrong with the types of a specification, "" if nothing is."""
    if "values" in spec and (not isinstance(spec["values"], list) or not spec["values"]):
        return f"values needs a list, got {show(spec['values'])}"
    for key in ("min", "max", "q"):
        value = spec.get(key, 1)
        if not is_number(value):
            return f"{key} needs a number, got {show(value)}"
    return ""


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
        sweep.wrong(path, "a search has one task; give one value, or say --task")
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
    except (ValueError, OverflowError) as error:
        sweep.wrong(path, str(error))
        return
    if made.remark:
        sweep.note(path, made.remark)
    sweep.search[target] = made.domain
    sweep.origins[target] = path


def _as_grid(domain: dict[str, list[Any]]) -> Made:
    """Return a list of values for a grid; a range of whole numbers or of steps is written out."""
    ((kind, values),) = domain.items()
    if kind == "choice":
        return Made({"grid": values})
    if kind not in ("randint", "quniform"):
        raise ValueError("method grid needs `values`, or whole steps from min to max")
    low, high, q = (*values, 1)[:3]
    count = round((high - low) / q) + 1
    if count > MOST_GRID_VALUES:
        raise ValueError(f"method grid would try {count} values of this one parameter")
    return Made({"grid": [low + number * q for number in range(count)]})


def _translated(name: str, value: Any) -> Any:
    flag = FLAGS.get(name)
    if flag is None or isinstance(value, list | dict):
        return value
    return flag.values.get(value, value)
