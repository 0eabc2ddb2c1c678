"""A W&B sweep file as a search space; what cannot be carried over is named, never dropped in silence."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lru_tune.config.files import dump_yaml
from lru_tune.config.problems import Document, in_file_order, show
from lru_tune.config.reading import read_yaml
from lru_tune.config.recipe import assign
from lru_tune.config.schema import nest
from lru_tune.errors import ConfigError, did_you_mean
from lru_tune.runs import VAL_ACCURACY, VAL_LOSS
from lru_tune.search.domains import parse_domain
from lru_tune.search.settings import DIRECTIONS
from lru_tune.search.space import SearchSpace
from lru_tune.search.sweep_tables import (
    ASIDE,
    DATASET,
    DISTRIBUTIONS,
    FLAGS,
    FOREIGN,
    NEEDED,
    SEARCHERS,
    SPEC_KEYS,
    WARMUP,
    WITHOUT_COUNTERPART,
    Made,
)
from lru_tune.tasks import find_task

R_MIN, R_MAX = "model.recurrence.r_min", "model.recurrence.r_max"
MOST_GRID_VALUES = 1000  # of one dimension of a grid
GOALS = {"max": "maximize", "min": "minimize"}
ETA = 3  # W&B's default


class Imported(NamedTuple):
    """A sweep in our words.

    Attributes:
      space: checked.
      notes: what is said differently here, a line each, with the line of the sweep file.
      left: what is not carried over, likewise.
    """

    space: SearchSpace
    notes: tuple[str, ...]
    left: tuple[str, ...]


@dataclass
class _Sweep:
    """A sweep while it is read."""

    document: Document
    grid: bool = False
    constants: dict[str, Any] = field(default_factory=dict)  # dotted field -> value
    search: dict[str, Any] = field(default_factory=dict)  # dotted field -> {kind: [...]}
    origins: dict[str, str] = field(default_factory=dict)  # dotted field -> path in the sweep
    special: dict[str, tuple[str, Any]] = field(default_factory=dict)  # name -> (path, value)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def wrong(self, path: str, text: str) -> None:
        self.problems.append(self.document.problem(path, text))

    def note(self, path: str, text: str) -> None:
        self.notes.append(self.document.problem(path, text))

    def leave(self, path: str, text: str) -> None:
        self.left.append(self.document.problem(path, f"not carried over; {text}"))


def import_sweep(path: Path, task: str | None = None) -> Imported:
    """Read a sweep file; what it does not say comes from the task's shipped search space.

    Args:
      path: the YAML file.
      task: name or alias; None: the sweep's `dataset`.

    Raises:
      ConfigError: every problem found, one line each, with file and line.
    """
    sweep = _Sweep(read_yaml(path))
    content = sweep.document.content
    for key in content:
        if key in ASIDE:
            sweep.leave(key, ASIDE[key])
        elif key not in ("method", "metric", "parameters", "early_terminate", "run_cap"):
            sweep.leave(key, f"no such key of a sweep is known.{did_you_mean(key, ASIDE)}")
    searcher = _searcher(sweep)
    _parameters(sweep)
    tune = {"searcher": searcher, **_metric(sweep), **_early_end(sweep), **_cap(sweep)}
    name = _task(sweep, task)
    if not name:  # what fields mean and which are missing depends on the task
        raise ConfigError(*in_file_order(sweep.problems))
    shipped = SearchSpace.load(name)
    base = dict(shipped.base)
    _lengths(sweep, base)
    for path_, value in sweep.constants.items():
        assign(base, path_, value)
    written = {
        "schema": shipped.schema,
        "task": name,
        "variant": shipped.variant,
        "base": nest(base),
        "search": sweep.search,
        "constraints": [f"{R_MIN} < {R_MAX}"] if {R_MIN, R_MAX} & sweep.search.keys() else [],
        "tune": {
            "resources": shipped.tune.resources.model_dump(mode="json"),
            "confirm": shipped.tune.confirm.model_dump(mode="json"),
            **tune,
        },
    }
    space = _checked(written, sweep)
    if space is None or sweep.problems:
        raise ConfigError(*in_file_order(dict.fromkeys(sweep.problems)))
    return Imported(space, tuple(in_file_order(sweep.notes)), tuple(in_file_order(sweep.left)))


def _searcher(sweep: _Sweep) -> dict[str, Any]:
    method = sweep.document.content.get("method")
    if method is None:
        sweep.wrong("method", f"is missing. Known: {', '.join(SEARCHERS)}.")
    elif method not in SEARCHERS:
        sweep.wrong(
            "method", f"no such method: {show(method)}.{did_you_mean(str(method), SEARCHERS)}"
        )
    elif method == "bayes":
        sweep.note("method", "bayes becomes Optuna's TPE; W&B's is a Gaussian process")
    sweep.grid = method == "grid"
    return SEARCHERS.get(str(method), {})


def _parameters(sweep: _Sweep) -> None:
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


def _parameter(sweep: _Sweep, name: str, path: str, spec: Mapping[str, Any]) -> None:
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
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{key} needs a number, got {show(value)}"
    return ""


def _constant(sweep: _Sweep, name: str, path: str, value: Any) -> None:
    if name in (DATASET, WARMUP):
        sweep.special[name] = (path, value)
        return
    flag = FLAGS.get(name)
    target = flag.field if flag else name
    sweep.constants[target] = _translated(name, value)
    sweep.origins[target] = path


def _searched(sweep: _Sweep, name: str, path: str, kind: str, spec: Mapping[str, Any]) -> None:
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


def _metric(sweep: _Sweep) -> dict[str, Any]:
    metric = sweep.document.content.get("metric")
    if metric is None:
        return {"metric": VAL_ACCURACY, "mode": DIRECTIONS[VAL_ACCURACY]}
    if not isinstance(metric, dict) or not isinstance(metric.get("name"), str):
        sweep.wrong("metric", f"needs a name and a goal, got {show(metric)}")
        return {}
    name, goal = metric["name"], metric.get("goal")
    chosen = VAL_LOSS if "loss" in name.lower() else VAL_ACCURACY
    if "test" in name.lower():
        sweep.note("metric.name", f"{name} becomes {chosen}: a search never reads the test split")
    elif not re.search("acc|loss", name.lower()):
        sweep.note("metric.name", f"{name} is not known; {chosen} is taken")
    if goal not in (None, *GOALS.values()):
        sweep.wrong("metric.goal", f"needs maximize or minimize, got {show(goal)}")
    elif goal not in (None, GOALS[DIRECTIONS[chosen]]):
        sweep.wrong("metric.goal", f"must be {GOALS[DIRECTIONS[chosen]]} for {name}, got {goal}")
    for key in metric.keys() - {"name", "goal"}:
        sweep.leave(f"metric.{key}", "a search runs all its trials")
    return {"metric": chosen, "mode": DIRECTIONS[chosen]}


def _early_end(sweep: _Sweep) -> dict[str, Any]:
    settings = sweep.document.content.get("early_terminate")
    if settings is None:
        return {"scheduler": {"kind": "none"}}
    if not isinstance(settings, dict) or settings.get("type") != "hyperband":
        given = settings.get("type") if isinstance(settings, dict) else settings
        sweep.wrong("early_terminate", f"needs type: hyperband, got {show(given)}")
        return {}
    eta = settings.get("eta", ETA)
    if isinstance(eta, bool) or not isinstance(eta, int | float) or round(eta) < 2:
        sweep.wrong("early_terminate.eta", f"needs a number of at least 2, got {show(eta)}")
        return {}
    sweep.note(
        "early_terminate", "becomes ASHA, which compares trials without waiting for a bracket"
    )
    for key in settings.keys() & {"min_iter", "max_iter", "s", "strict"}:
        sweep.leave(
            f"early_terminate.{key}",
            "iterations are optimiser steps here: set tune.scheduler.grace, else a tenth of a run",
        )
    return {"scheduler": {"kind": "asha", "reduction_factor": round(eta)}}


def _cap(sweep: _Sweep) -> dict[str, Any]:
    cap = sweep.document.content.get("run_cap")
    if cap is None:
        return {}
    if isinstance(cap, bool) or not isinstance(cap, int) or cap < 1:
        sweep.wrong("run_cap", f"needs a whole number above 0, got {show(cap)}")
        return {}
    return {"trials": cap}


def _task(sweep: _Sweep, given: str | None) -> str:
    """Return the canonical task that the command or the sweep names."""
    path, said = sweep.special.get(DATASET, ("", None))
    try:
        named = find_task(given).name if given is not None else None
        if said is None:
            if named is None:
                sweep.problems.append(f"{sweep.document.name}: names no dataset; say --task NAME")
            return named or ""
        found = find_task(str(said)).name
    except ConfigError as error:
        for text in error.problems:
            sweep.wrong(path, text)
        return ""
    if named not in (None, found):
        sweep.wrong(path, f"the sweep is for {found}, --task says {named}")
    return found


def _lengths(sweep: _Sweep, base: dict[str, Any]) -> None:
    """Take over the length of a run and of its warm-up, which W&B's flags count in epochs."""
    epochs = sweep.constants.get("epochs")
    if "epochs" in sweep.search:
        ((_, values),) = sweep.search["epochs"].items()
        assign(base, "epochs", max(values))
    if epochs is not None or "epochs" in sweep.search:
        base.pop("eval_every", None)  # the shipped one counts for the shipped length
    path, warmup = sweep.special.get(WARMUP, ("", None))
    if warmup is None:
        return
    if isinstance(epochs, int | float) and isinstance(warmup, int | float) and epochs > 0:
        sweep.constants["optim.warmup_fraction"] = warmup / epochs
        sweep.origins["optim.warmup_fraction"] = path
        sweep.note(path, f"{warmup} of {epochs} epochs become a fraction of {warmup / epochs:g}")
    else:
        sweep.leave(path, "a fraction of the run is needed and `epochs` is not one number")


def _checked(written: Mapping[str, Any], sweep: _Sweep) -> SearchSpace | None:
    """Return the space a file of this content holds, None after telling problems with the sweep's lines."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "space.yaml"
        file.write_text(dump_yaml(written))
        try:
            return SearchSpace.load(file)
        except ConfigError as error:
            sweep.problems += [_said_of_the_sweep(text, sweep) for text in error.problems]
            return None


def _said_of_the_sweep(problem: str, sweep: _Sweep) -> str:
    text = re.sub(r"^\S*space\.yaml:(\d+:)? ", "", problem)
    name, _, rest = text.partition(": ")
    path = sweep.origins.get(re.sub(r"^(base|search)\.", "", name))
    return sweep.document.problem(path, rest) if path else f"{sweep.document.name}: {text}"
