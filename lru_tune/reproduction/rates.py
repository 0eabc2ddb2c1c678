"""Learning rates, which the paper kept to itself: searched on validation, then remembered.

For each cell the rates of its grid race each other: successive halving over one seed, validation only. The
winner is written as a recipe, a complete configuration that `lru-tune train --config` takes as well.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lru_tune.config.config_files import dump_run_config, load_run_config
from lru_tune.errors import ConfigError
from lru_tune.files import run_directory as runs
from lru_tune.files.atomic import write_atomically
from lru_tune.reproduction.cells import CellPlan
from lru_tune.reproduction.store import Store
from lru_tune.search.ray.run_list import PlannedRun

SEARCH_SEED = 0  # the seeds that count are others
FIXED = "fixed"


class Chosen(NamedTuple):
    """A cell's learning rate.

    Attributes:
      rate: the one to use.
      how: in words.
    """

    rate: float
    how: str


def known_rate(cell: CellPlan, store: Store) -> Chosen | None:
    """Return the rate that needs no search: the only one, or one remembered for the same cell and data.

    Raises:
      ConfigError: what is remembered is no rate of the cell's grid.
    """
    if len(cell.rates) == 1:
        return Chosen(cell.rates[0], FIXED)
    file = store.recipe_file(cell.config, cell.rates)
    if not file.is_file():
        return None
    rate = load_run_config(file).optim.learning_rate
    if rate not in cell.rates:
        raise ConfigError(
            f"{file} holds learning rate {rate:g}, which is none of {_listed(cell.rates)}; delete the file "
            f"to search again, or say --learning-rates {rate:g}"
        )
    return Chosen(rate, _how(cell, store))


def race_jobs(cell: CellPlan, store: Store) -> list[PlannedRun]:
    """Return the runs that decide a cell's rate."""
    race = store.recipe_file(cell.config, cell.rates).stem
    return [
        PlannedRun(config, store.run_dir(config), final="validation", bracket=race)
        for config in (cell.at(rate, SEARCH_SEED) for rate in cell.rates)
    ]


def settle(cell: CellPlan, store: Store, say: Callable[[str], None]) -> Chosen | None:
    """Choose a cell's rate from the runs of its race and remember it.

    The best validation accuracy wins; of equal ones the smallest rate. Where every rate diverged, the
    smallest is taken: its seeds show whether the cell can be trained at all, which the paper denies of some.

    Returns:
      The rate; None where no run succeeded and some failed, which the next call tries again.
    """
    scores = _scores(race_jobs(cell, store))
    if scores:
        rate = max(sorted(scores), key=lambda rate: scores[rate])
    elif _all_diverged(cell, store):
        rate = min(cell.rates)
    else:
        say(f"{cell}: no run for a learning rate succeeded")
        return None
    told = ", ".join(f"{tried:g}: {_percent(scores.get(tried))}" for tried in cell.rates)
    chosen = Chosen(rate, _how(cell, store))
    file = store.recipe_file(cell.config, cell.rates)
    header = [
        f"Learning rate {rate:g}, {chosen.how} ({told}).",
        f"Data {store.data[cell.config.task].fingerprint}.",
    ]
    write_atomically(file, dump_run_config(cell.at(rate, SEARCH_SEED), header))
    say(f"{cell}: learning rate {rate:g}, {chosen.how} ({told}); remembered in {file}")
    if len(cell.rates) > 2 and rate in (min(cell.rates), max(cell.rates)):
        say(f"{cell}: {rate:g} is the end of the grid; a wider one might do better")
    return chosen


def _how(cell: CellPlan, store: Store) -> str:
    if _all_diverged(cell, store):
        return f"smallest of {len(cell.rates)}, all of which diverged"
    return f"best of {len(cell.rates)} on validation, one seed each"


def _all_diverged(cell: CellPlan, store: Store) -> bool:
    results = (runs.read_result(job.run_dir) or {} for job in race_jobs(cell, store))
    return all(result.get("status") == "diverged" for result in results)


def _scores(jobs: Sequence[PlannedRun]) -> dict[float, float]:
    """Return learning rate -> best validation accuracy, for the runs that ended soundly."""
    scores = {}
    for job in jobs:
        result = runs.read_result(job.run_dir) or {}
        value = result.get(runs.VAL_ACCURACY)
        if result.get("status") in ("completed", "stopped") and value is not None:
            scores[job.config.optim.learning_rate] = float(value)
    return scores


def _listed(rates: Sequence[float]) -> str:
    return ", ".join(f"{rate:g}" for rate in rates)


def _percent(share: float | None) -> str:
    return "no result" if share is None else f"{100 * share:.1f} %"
