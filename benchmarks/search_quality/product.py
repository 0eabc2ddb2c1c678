"""The search of this program, its own searcher and scheduler, over a problem.

All that the benchmark knows of `lru_tune.search.strategy` stands here.
"""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna

from benchmarks.search_quality.problems import Problem, Sample
from benchmarks.search_quality.simulate import STEPS_PER_REPORT
from lru_tune.files.run_directory import VAL_ACCURACY
from lru_tune.search.strategy.journal import RUNNING, Ended, Event, Journal, Reported
from lru_tune.search.strategy.schedulers import SCHEDULERS, Scheduler, StoppingSettings
from lru_tune.search.strategy.searchers import SAMPLERS, SpaceSearcher
from lru_tune.space.settings import SchedulerSettings, SearcherSettings, default_grace

DEFAULT_SAMPLER = SearcherSettings().sampler
ALTERNATIVES = {
    "tpe-independent": partial(optuna.samplers.TPESampler, multivariate=False),
    "tpe-multivariate": partial(optuna.samplers.TPESampler, multivariate=True),
    # Proposes the first draw from the model of the good trials, not the best of 24 draws.
    "tpe-multivariate-draw": partial(
        optuna.samplers.TPESampler, multivariate=True, n_ei_candidates=1
    ),
}


class _Configuration(SimpleNamespace):
    def fingerprint(self) -> str:
        return "0" * 64


class _Space:
    """As much of a search space as a searcher asks for: a problem's fields are none of RunConfig."""

    def __init__(self, problem: Problem, sampler: str, seed: int) -> None:
        self.domains = problem.domains
        searcher = SimpleNamespace(kind="optuna", sampler=sampler, seed=seed)
        self.tune = SimpleNamespace(metric=VAL_ACCURACY, mode="max", searcher=searcher)

    def start_points(self) -> list[Sample]:
        return []

    def satisfies(self, sample: Sample) -> bool:
        return True

    def realise(self, sample: Sample) -> _Configuration:
        return _Configuration()


class ProductSearch:
    """A search as `tune.py` conducts it, without Ray and without training.

    Args:
      problem: what is searched.
      folder: empty; for the journal.
      sampler: a name in the product's SAMPLERS or in ALTERNATIVES.
      seed: of the proposals.
      kind: of the scheduler.
      grace: as a share of the horizon; None for the default.
      reduction_factor: of successive halving; None for the default.
    """

    def __init__(
        self,
        problem: Problem,
        folder: Path,
        *,
        sampler: str,
        seed: int,
        kind: str | None = None,
        grace: float | None = None,
        reduction_factor: int | None = None,
    ) -> None:
        settings = SchedulerSettings()
        horizon = problem.reports * STEPS_PER_REPORT
        stopping = StoppingSettings(
            metric=VAL_ACCURACY,
            mode="max",
            horizon=horizon,
            reports=problem.reports,
            grace=round(grace * horizon) if grace else default_grace(horizon),
            reduction_factor=reduction_factor or settings.reduction_factor,
        )
        for name, make in ALTERNATIVES.items():
            SAMPLERS.setdefault(name, lambda seed, make=make: make(seed=seed, constant_liar=True))
        space: Any = _Space(problem, sampler, seed)
        self._journal = Journal(folder / "journal.jsonl")
        self._searcher = SpaceSearcher(space, self._journal)
        self._scheduler = Scheduler(SCHEDULERS[kind or settings.kind](stopping))

    def suggest(self) -> tuple[int, Sample]:
        """Return the searcher's next trial."""
        trial = self._searcher.suggest()
        return trial.number, trial.sample

    def report(self, number: int, report: int, value: float, *, last: bool) -> bool:
        """Record a report, and the trial's end where it ends; return whether it is stopped."""
        status = "completed" if last else RUNNING
        stops = self._record(Reported(number, report * STEPS_PER_REPORT, report, value, status))
        if last or stops:
            self._record(Ended(number, "completed" if last else "stopped"))
        return stops

    def _record(self, event: Event) -> bool:
        self._journal.append(event)
        self._searcher.apply(event)
        return self._scheduler.apply(event)
