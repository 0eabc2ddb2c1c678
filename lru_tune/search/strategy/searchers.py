"""SpaceSearcher: who proposes the next trial.

One class serves every kind: Optuna is asked and told directly, with the space's domains as fixed
distributions. Asked again for the same events in the same order, it gives the same answers.
"""

import warnings
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState
from ray.tune.search import Searcher

from lru_tune.errors import ConfigError
from lru_tune.files.run_directory import BEST_OF
from lru_tune.search.ray.trainable import WORST
from lru_tune.search.strategy.journal import Ended, Event, Journal, Reported, Suggested
from lru_tune.search.strategy.trial_keys import FINAL, NUMBER, RUN, RUN_DIR
from lru_tune.space.optuna_distributions import DIRECTIONS, distribution
from lru_tune.space.space import Sample, SearchSpace

REFUSALS = 1000  # samples in a row that may violate a constraint before the space is called empty

SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    # The liar keeps concurrent trials apart; with one at a time it changes nothing.
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, constant_liar=True),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "qmc": lambda seed: optuna.samplers.QMCSampler(seed=seed, scramble=True),
}


class SpaceSearcher(Searcher):
    """Proposes samples of a search space and learns from every event of the search.

    Beginnings are written to the journal here, before a trial can start. What comes later is told by
    `apply`, in a search under way as in one that is read back from its journal.

    Args:
      space: what is searched.
      journal: of this experiment; unfinished trials in it are proposed again, first.
      trials_dir: absolute folder of the run directories.
    """

    def __init__(self, space: SearchSpace, journal: Journal, trials_dir: Path) -> None:
        super().__init__(metric=space.tune.metric, mode=space.tune.mode)
        self._space = space
        self._journal = journal
        self._trials_dir = trials_dir
        self._again: deque[int] = deque()
        self._asked: dict[int, optuna.Trial] = {}  # number -> Optuna's trial
        self._distributions = {
            name: distribution(domain.coordinate) for name, domain in space.domains.items()
        }
        self._study = _new_study(space)
        points = space.grid() if space.tune.searcher.kind == "grid" else space.start_points()
        for point in points:
            self._enqueue(point)

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """Return what a Ray trial is started with: an unfinished trial's mapping, or a new one's.

        Raises:
          ConfigError: no sample that meets the constraints was found.
        """
        if self._again:
            return self._mapping(self._again.popleft())
        number = len(self._journal.trials)
        sample = self._ask(number)
        fingerprint = self._space.realise(sample).fingerprint()
        self._journal.append(Suggested(number, sample, f"{number:04d}-{fingerprint[:8]}"))
        return self._mapping(number)

    def propose_again(self, numbers: list[int]) -> int:
        """Put trials that the journal knows before any new one; return how many."""
        self._again.extend(numbers)
        return len(numbers)

    def apply(self, event: Event) -> None:
        """Learn from an event; one that is known already changes nothing."""
        match event:
            case Suggested(number, sample):
                self._replay(number, sample)
            case Reported(number, step, _, value):
                if self._open(number):
                    self._asked[number].report(value, step)
            case Ended(number, status) if self._open(number):
                self._tell(number, status)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Nothing: `apply` is told, also of the reports that Ray keeps from searchers."""

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing: `apply` is told."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the journal is this searcher's state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: see `lru_tune.search.strategy.replay`."""

    def _mapping(self, number: int) -> dict[str, Any]:
        trial = self._journal.trials[number]
        return {
            NUMBER: number,
            RUN: self._space.realise(trial.sample).model_dump(mode="json"),
            RUN_DIR: str(self._trials_dir / trial.run),
            FINAL: "validation",
        }

    def _ask(self, number: int) -> Sample:
        for _ in range(REFUSALS):
            trial = self._study.ask(self._distributions)
            sample = self._real(trial.params)
            if self._space.satisfies(sample):
                self._asked[number] = trial
                return sample
            self._study.tell(trial, state=TrialState.FAIL)
        raise ConfigError(
            f"{REFUSALS} samples in a row violate the constraints; widen the domains or drop a constraint"
        )

    def _replay(self, number: int, sample: Sample) -> None:
        """Ask for a trial of the journal again; where the answer differs, the journal is right."""
        if self._ask(number) != sample:  # another version of Optuna, or the settings were changed
            self._study.tell(self._asked.pop(number), state=TrialState.FAIL)
            self._enqueue(sample)
            self._asked[number] = self._study.ask(self._distributions)

    def _tell(self, number: int, status: str) -> None:
        trial = self._asked[number]
        values = self._journal.trials[number].values
        best = BEST_OF[self.mode]
        match status:
            case "completed":
                self._study.tell(trial, best(values.values()))
            case "diverged":
                self._study.tell(trial, WORST[self.mode])
            case "stopped" if values:
                self._study.tell(trial, state=TrialState.PRUNED)
            case _:
                self._study.tell(trial, state=TrialState.FAIL)

    def _open(self, number: int) -> bool:
        asked = self._asked.get(number)
        return asked is not None and not self._study.trials[asked.number].state.is_finished()

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
