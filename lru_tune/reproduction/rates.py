"""Learning rates that the paper does not state: searched on validation, then kept in a file.

Each cell compares the rates of its grid by successive halving, with one seed and on validation only. The best
is written as a recipe, a complete configuration for `lru-tune train --config`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lru_tune.config.config_files import dump_run_config, load_run_config
from lru_tune.errors import ConfigError
from lru_tune.files import run_directory as runs
from lru_tune.files.atomic import write_atomically
from lru_tune.formatting import percent
from lru_tune.reproduction.cells import CellPlan
from lru_tune.reproduction.store import Store
from lru_tune.search.ray.run_list import PlannedRun

SEARCH_SEED = 0  # not one of the seeds whose results count
FIXED = "fixed"


class Chosen(NamedTuple):
    """A cell's learning rate.

    Attributes:
      rate: the rate to use.
      how: how it was chosen, in words.
    """

    rate: float
    how: str


def known_rate(cell: CellPlan, store: Store) -> Chosen | None:
    """Return the only rate of a cell, or the one found earlier for the same cell and data; None if unknown.

    Raises:
      ConfigError: the rate in the recipe file is not in the cell's grid.
    """
    if len(cell.rates) == 1:
        return Chosen(cell.rates[0], FIXED)
    file = store.recipe_file(cell.config, cell.rates)
    if not file.is_file():
        return None
    rate = load_run_config(file).optim.learning_rate
    if rate not in cell.rates:
        rates = ", ".join(f"{rate:g}" for rate in cell.rates)
        raise ConfigError("reproduction.foreign-rate", rate=rate, rates=rates, file=str(file))
    return Chosen(rate, _how(cell, store))


def rate_search_runs(cell: CellPlan, store: Store) -> list[PlannedRun]:
    """Return the runs of the search for a cell's learning rate."""
    bracket = store.recipe_file(cell.config, cell.rates).stem
    return [
        PlannedRun(config, store.run_dir(config), final="validation", bracket=bracket)
        for config in (cell.at(rate, SEARCH_SEED) for rate in cell.rates)
    ]


def choose_rate(cell: CellPlan, store: Store, log: Callable[[str], None]) -> Chosen | None:
    """Choose a cell's rate from the runs of its search and write its recipe.

    The best validation accuracy wins, the smaller rate in a tie. If every rate diverged, the smallest is
    taken: its seeds show whether the cell can be trained at all; the paper says that some cannot.

    Returns:
      The rate; None if no run succeeded and some failed, which the next call tries again.
    """
    scores = _scores(rate_search_runs(cell, store))
    if scores:
        rate = max(sorted(scores), key=lambda rate: scores[rate])
    elif _all_diverged(cell, store):
        rate = min(cell.rates)
    else:
        log(f"{cell}: no run for a learning rate succeeded")
        return None
    told = ", ".join(f"{tried:g}: {_score(scores.get(tried))}" for tried in cell.rates)
    chosen = Chosen(rate, _how(cell, store))
    file = store.recipe_file(cell.config, cell.rates)
    header = [
        f"Learning rate {rate:g}, {chosen.how} ({told}).",
        f"Data {store.data[cell.config.task].fingerprint}.",
    ]
    write_atomically(file, dump_run_config(cell.at(rate, SEARCH_SEED), header))
    log(f"{cell}: learning rate {rate:g}, {chosen.how} ({told}); written to {file}")
    if len(cell.rates) > 2 and rate in (min(cell.rates), max(cell.rates)):
        log(f"{cell}: {rate:g} is at the end of the grid; a wider grid may contain a better rate")
    return chosen


def _how(cell: CellPlan, store: Store) -> str:
    if _all_diverged(cell, store):
        return f"smallest of {len(cell.rates)}, all of which diverged"
    return f"best of {len(cell.rates)} on validation, one seed each"


def _all_diverged(cell: CellPlan, store: Store) -> bool:
    results = (runs.read_result(run.run_dir) or {} for run in rate_search_runs(cell, store))
    return all(result.get("status") == "diverged" for result in results)


def _scores(planned: Sequence[PlannedRun]) -> dict[float, float]:
    """Return learning rate -> best validation accuracy of the runs that completed or were stopped."""
    scores = {}
    for run in planned:
        result = runs.read_result(run.run_dir) or {}
        value = result.get(runs.VAL_ACCURACY)
        if result.get("status") in ("completed", "stopped") and value is not None:
            scores[run.config.optim.learning_rate] = float(value)
    return scores


def _score(value: float | None) -> str:
    return "no result" if value is None else percent(value)
