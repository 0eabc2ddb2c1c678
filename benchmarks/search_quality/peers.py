"""Other tools' searches, with their own defaults."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
from optuna.pruners import BasePruner, MedianPruner, SuccessiveHalvingPruner
from optuna.trial import TrialState
from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler

from benchmarks.search_quality import product
from benchmarks.search_quality.problems import Problem, Sample
from benchmarks.search_quality.simulate import Search
from lru_tune.space.optuna_distributions import distribution


class OptunaSearch:
    """Optuna's ask and tell with its default sampler and one of its pruners."""

    def __init__(self, problem: Problem, seed: int, pruner: BasePruner) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = optuna.samplers.TPESampler(seed=seed)
        self._study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
        self._distributions = {
            name: distribution(domain.coordinate) for name, domain in problem.domains.items()
        }
        self._trials: list[optuna.Trial] = []

    def suggest(self) -> tuple[int, Sample]:
        """Return what Optuna asks for."""
        self._trials.append(self._study.ask(self._distributions))
        return len(self._trials) - 1, dict(self._trials[-1].params)

    def report(self, number: int, report: int, value: float, *, last: bool) -> bool:
        """Report; tell Optuna of an end."""
        trial = self._trials[number]
        trial.report(value, report)
        if last:
            self._study.tell(trial, value)
        elif trial.should_prune():
            self._study.tell(trial, state=TrialState.PRUNED)
            return True
        return False


def optuna_halving(problem: Problem, seed: int, folder: Path) -> Search:
    """Return Optuna's search with successive halving."""
    return OptunaSearch(problem, seed, SuccessiveHalvingPruner())


def optuna_median(problem: Problem, seed: int, folder: Path) -> Search:
    """Return Optuna's search with the median rule."""
    return OptunaSearch(problem, seed, MedianPruner())


class RayAsha:
    """Random proposals under Ray's ASHA as Ray makes it: first rung 1, factor 4.

    Its clock is the report, as `training_iteration` is in Ray.
    """

    def __init__(self, problem: Problem, seed: int, folder: Path) -> None:
        self._proposals = product.ProductSearch(
            problem, folder, sampler="random", seed=seed, kind="none"
        )
        self._scheduler = AsyncHyperBandScheduler(metric="value", mode="max", max_t=problem.reports)

    def suggest(self) -> tuple[int, Sample]:
        """Return a random proposal."""
        number, sample = self._proposals.suggest()
        self._scheduler.on_trial_add(None, self._trial(number))
        return number, sample

    def report(self, number: int, report: int, value: float, *, last: bool) -> bool:
        """Ask Ray's scheduler."""
        result = {"training_iteration": report, "value": value}
        decision = self._scheduler.on_trial_result(None, self._trial(number), result)
        return decision == TrialScheduler.STOP

    def _trial(self, number: int) -> Any:
        return SimpleNamespace(trial_id=number)


ray = RayAsha
