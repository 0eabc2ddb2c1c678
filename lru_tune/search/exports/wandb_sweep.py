"""A W&B sweep file as a search space. Whatever cannot be carried over is reported with its line."""

import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from lru_tune.config.config_files import dump_yaml
from lru_tune.config.document import in_file_order, show
from lru_tune.config.dotted import nest
from lru_tune.config.pydantic_errors import wrong_type
from lru_tune.config.resolve import assign
from lru_tune.config.yaml_io import read_yaml
from lru_tune.errors import ConfigError, Problem, did_you_mean, problem
from lru_tune.files.run_directory import VAL_ACCURACY, VAL_LOSS
from lru_tune.search.exports.wandb_parameters import Sweep, read_parameters
from lru_tune.search.exports.wandb_tables import (
    ASIDE,
    DATASET,
    SEARCHERS,
    WARMUP,
)
from lru_tune.space.domains import is_number
from lru_tune.space.settings import DIRECTIONS
from lru_tune.space.space import SearchSpace
from lru_tune.tasks import find_task

R_MIN, R_MAX = "model.recurrence.r_min", "model.recurrence.r_max"
GOALS = {"max": "maximize", "min": "minimize"}
ETA = 3  # W&B's default


class Imported(NamedTuple):
    """A sweep as a search space.

    Attributes:
      space: checked.
      notes: what becomes something else, one message each, with the line of the sweep file.
      left: what is not carried over, likewise.
    """

    space: SearchSpace
    notes: tuple[str, ...]
    left: tuple[str, ...]


def import_sweep(path: Path, task: str | None = None) -> Imported:
    """Read a sweep file; what it leaves out comes from the task's shipped search space.

    Args:
      path: the YAML file.
      task: name or alias; None: the sweep's `dataset`.

    Raises:
      ConfigError: every problem found, with file and line.
    """
    sweep = Sweep(read_yaml(path))
    content = sweep.document.content
    for key in content:
        if key in ASIDE:
            sweep.leave(key, ASIDE[key])
        elif key not in ("method", "metric", "parameters", "early_terminate", "run_cap"):
            sweep.leave(key, f"unknown key of a sweep.{did_you_mean(key, ASIDE)}")
    searcher = _searcher(sweep)
    read_parameters(sweep)
    tune = {"searcher": searcher, **_metric(sweep), **_early_end(sweep), **_cap(sweep)}
    name = _task(sweep, task)
    if not name:  # the fields and their defaults depend on the task
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
        once = {str(problem): problem for problem in sweep.problems}
        raise ConfigError(*in_file_order(once.values()))
    return Imported(space, _in_order(sweep.notes), _in_order(sweep.left))


def _in_order(lines: list[tuple[int, str]]) -> tuple[str, ...]:
    """Return messages sorted by line, those of one line as they were added."""
    return tuple(text for _, text in sorted(lines, key=itemgetter(0)))


def _searcher(sweep: Sweep) -> dict[str, Any]:
    method = sweep.document.content.get("method")
    if method is None:
        sweep.wrong("method", problem("config.missing"))
    elif method not in SEARCHERS:
        sweep.wrong("method", _unknown_choice(method, SEARCHERS))
    elif method == "bayes":
        sweep.note("method", "bayes becomes Optuna's TPE; W&B's is a Gaussian process")
    sweep.grid = method == "grid"
    return SEARCHERS.get(str(method), {})


def _metric(sweep: Sweep) -> dict[str, Any]:
    metric = sweep.document.content.get("metric")
    if metric is None:
        return {"metric": VAL_ACCURACY, "mode": DIRECTIONS[VAL_ACCURACY]}
    if not isinstance(metric, dict) or not isinstance(metric.get("name"), str):
        sweep.wrong("metric", wrong_type("a name and a goal", metric))
        return {}
    name, goal = metric["name"], metric.get("goal")
    chosen = VAL_LOSS if "loss" in name.lower() else VAL_ACCURACY
    if "test" in name.lower():
        sweep.note("metric.name", f"{name} becomes {chosen}: a search never reads the test split")
    elif not re.search("acc|loss", name.lower()):
        sweep.note("metric.name", f"{name} is unknown and becomes {chosen}")
    if goal not in (None, *GOALS.values()):
        sweep.wrong("metric.goal", _unknown_choice(goal, GOALS.values()))
    elif goal not in (None, GOALS[DIRECTIONS[chosen]]):
        sweep.wrong("metric.goal", wrong_type(f"{GOALS[DIRECTIONS[chosen]]} for {name}", goal))
    for key in metric.keys() - {"name", "goal"}:
        sweep.leave(f"metric.{key}", "a search runs all its trials")
    return {"metric": chosen, "mode": DIRECTIONS[chosen]}


def _early_end(sweep: Sweep) -> dict[str, Any]:
    settings = sweep.document.content.get("early_terminate")
    if settings is None:
        return {"scheduler": {"kind": "none"}}
    if not isinstance(settings, dict) or settings.get("type") != "hyperband":
        given = settings.get("type") if isinstance(settings, dict) else settings
        sweep.wrong("early_terminate", wrong_type("type: hyperband", given))
        return {}
    eta = settings.get("eta", ETA)
    if not is_number(eta) or round(eta) < 2:
        sweep.wrong("early_terminate.eta", wrong_type("a number of at least 2", eta))
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


def _cap(sweep: Sweep) -> dict[str, Any]:
    cap = sweep.document.content.get("run_cap")
    if cap is None:
        return {}
    if isinstance(cap, bool) or not isinstance(cap, int) or cap < 1:
        sweep.wrong("run_cap", wrong_type("an integer greater than 0", cap))
        return {}
    return {"trials": cap}


def _task(sweep: Sweep, given: str | None) -> str:
    """Return the canonical task that the command or the sweep names."""
    path, said = sweep.special.get(DATASET, ("", None))
    try:
        named = find_task(given).name if given is not None else None
        if said is None:
            if named is None:
                sweep.wrong("", problem("wandb.no-dataset"))
            return named or ""
        found = find_task(str(said)).name
    except ConfigError as error:
        for wrong in error.problems:
            sweep.wrong(path, wrong)
        return ""
    if named not in (None, found):
        sweep.wrong(path, problem("wandb.other-task", sweep=found, flag=named))
    return found


def _lengths(sweep: Sweep, base: dict[str, Any]) -> None:
    """Carry over the length of a run and of its warm-up, which the sweep counts in epochs."""
    epochs = sweep.constants.get("epochs")
    if "epochs" in sweep.search:
        ((_, values),) = sweep.search["epochs"].items()
        assign(base, "epochs", max(values))
    if epochs is not None or "epochs" in sweep.search:
        base.pop("eval_every", None)  # the shipped one counts for the shipped length
    path, warmup = sweep.special.get(WARMUP, ("", None))
    if warmup is None:
        return
    if is_number(epochs) and is_number(warmup) and epochs > 0:
        sweep.constants["optim.warmup_fraction"] = warmup / epochs
        sweep.origins["optim.warmup_fraction"] = path
        sweep.note(path, f"{warmup} of {epochs} epochs become a fraction of {warmup / epochs:g}")
    else:
        sweep.leave(path, "it becomes a fraction of the run only if `epochs` is one number")


def _checked(written: Mapping[str, Any], sweep: Sweep) -> SearchSpace | None:
    """Return the space of a file with this content; None where problems were added to the sweep's."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "space.yaml"
        file.write_text(dump_yaml(written))
        try:
            return SearchSpace.load(file)
        except ConfigError as error:
            sweep.problems += [_in_sweep(problem, sweep) for problem in error.problems]
            return None


def _in_sweep(found: Problem, sweep: Sweep) -> Problem:
    """Return a problem of the space with its place in the sweep, where its field comes from there."""
    field = (found.key or "").removeprefix("base.").removeprefix("search.")
    if path := sweep.origins.get(field):
        return sweep.document.locate(path, found)
    return replace(found, file=sweep.document.name, line=None)


def _unknown_choice(given: Any, known: Iterable[str]) -> Problem:
    return problem(
        "config.unknown-choice",
        expected=" or ".join(known),
        given=show(given),
        hint=did_you_mean(str(given), known),
    )
