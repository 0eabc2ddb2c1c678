"""SpaceSearcher: proposes the next trial.

One class serves every kind of searcher: Optuna is asked and told, with the space's domains as fixed
distributions. Asked again after the same events in the same order, it gives the same answers.
"""

import warnings
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from lru_tune.errors import ConfigError
from lru_tune.files.run_directory import BEST_OF
from lru_tune.search.strategy.journal import (
    WORST,
    Ended,
    Event,
    Journal,
    Reported,
    Suggested,
    TrialRecord,
)
from lru_tune.space.optuna_distributions import DIRECTIONS, distribution
from lru_tune.space.sample_space import Sample
from lru_tune.space.space import SearchSpace

REFUSALS = 1000  # samples in a row that may violate the constraints before the search gives up

SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    # The constant liar keeps concurrent trials apart; with one at a time it changes nothing. One model of
    # all fields together proposes worse than chance where most trials are stopped early; see
    # docs/how_a_search_is_done.md.
    "tpe": lambda seed: optuna.samplers.TPESampler(
        seed=seed, constant_liar=True, multivariate=False
    ),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "qmc": lambda seed: optuna.samplers.QMCSampler(seed=seed, scramble=True),
}


class SpaceSearcher:
    """Proposes samples of a search space and learns from every event of the search.

    Suggestions are written to the journal here, before their trials start. All later events arrive through
    `apply`, in a running search as in one read back from its journal.

    Args:
      space: the space to search.
      journal: of this experiment.
    """

    def __init__(self, space: SearchSpace, journal: Journal) -> None:
        self._space = space
        self._mode = space.tune.mode
        self._journal = journal
        self._again: deque[int] = deque()
        self._asked: dict[int, optuna.Trial] = {}  # number -> Optuna's trial
        self._open: set[int] = set()  # numbers of the trials that have not ended for Optuna
        self._distributions = {
            name: distribution(domain.coordinate) for name, domain in space.domains.items()
        }
        self._study = _new_study(space)
        points = space.grid() if space.tune.searcher.kind == "grid" else space.start_points()
        for point in points:
            self._enqueue(point)

    def suggest(self) -> TrialRecord:
        """Return the trial to run next: one given to `run_again`, or a new one.

        Raises:
          ConfigError: no sample that meets the constraints was found.
        """
        if self._again:
            return self._journal.trials[self._again.popleft()]
        number = len(self._journal.trials)
        sample = self._ask(number)
        fingerprint = self._space.realise(sample).fingerprint()
        self._journal.append(Suggested(number, sample, f"{number:04d}-{fingerprint[:8]}"))
        return self._journal.trials[number]

    def run_again(self, numbers: Iterable[int]) -> None:
        """Suggest trials that the journal knows before any new one."""
        self._again.extend(numbers)

    def apply(self, event: Event) -> None:
        """Learn from an event; an event of a trial that has ended changes nothing."""
        match event:
            case Suggested(number, sample):
                self._ask_again(number, sample)
            case Reported(number, step, _, value) if number in self._open:
                self._asked[number].report(value, step)
            case Ended(number, status) if number in self._open:
                self._open.discard(number)
                self._tell(number, status)

    def _ask(self, number: int) -> Sample:
        for _ in range(REFUSALS):
            trial = self._study.ask(self._distributions)
            sample = self._real(trial.params)
            if self._space.satisfies(sample):
                self._asked[number] = trial
                self._open.add(number)
                return sample
            self._study.tell(trial, state=TrialState.FAIL)
        raise ConfigError("search.no-valid-sample", count=REFUSALS)

    def _ask_again(self, number: int, sample: Sample) -> None:
        """Ask for a trial of the journal. If the answer differs, the journal's sample counts."""
        if self._ask(number) != sample:  # another version of Optuna, or the settings have changed
            self._study.tell(self._asked.pop(number), state=TrialState.FAIL)
            self._enqueue(sample)
            self._asked[number] = self._study.ask(self._distributions)

    def _tell(self, number: int, status: str) -> None:
        trial = self._asked[number]
        values = self._journal.trials[number].values
        best = BEST_OF[self._mode]
        match status:
            case "completed":
                self._study.tell(trial, best(values.values()))
            case "diverged":
                self._study.tell(trial, WORST[self._mode])
            case "stopped" if values:
                self._study.tell(trial, state=TrialState.PRUNED)
            case _:
                self._study.tell(trial, state=TrialState.FAIL)

    def _real(self, params: dict[str, Any]) -> Sample:
        domains = self._space.domains
        return {name: domains[name].from_coordinate(x) for name, x in params.items()}

    def _enqueue(self, sample: Sample) -> None:
        domains = self._space.domains
        point = {name: domains[name].to_coordinate(x) for name, x in sample.items()}
        self._study.enqueue_trial(point)


def _new_study(space: SearchSpace) -> optuna.Study:
    settings = space.tune.searcher
    sampler = settings.sampler if settings.kind == "optuna" else "random"
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.create_study(
            direction=DIRECTIONS[space.tune.mode],
            sampler=SAMPLERS[sampler](settings.seed),
        )
