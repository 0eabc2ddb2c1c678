"""Reading a search back from its journal, into a fresh searcher and a fresh scheduler."""

from typing import Any, NamedTuple

from ray.tune.schedulers import TrialScheduler

from lru_tune.files.run_directory import STEP
from lru_tune.search.strategy.journal import Ended, Event, Journal, Reported, Suggested
from lru_tune.search.strategy.schedulers import Replayable
from lru_tune.search.strategy.searchers import SpaceSearcher
from lru_tune.search.strategy.trial_keys import NUMBER, RUNNING


class PastTrial(NamedTuple):
    """What the schedulers ask of a Ray trial."""

    config: dict[str, Any]


def replay(journal: Journal, searcher: SpaceSearcher, scheduler: TrialScheduler) -> int:
    """Bring searcher and scheduler to where the journal ends; unfinished trials are proposed again.

    An end that was decided but not written, because the driver was killed between the two, is written
    now. HyperBand pauses trials of Ray and cannot be brought there without them: it is given all trials
    again, and each of them tells what its run directory holds and computes only what is not there.

    Returns:
      How many trials will be proposed again.
    """
    for event in journal.events:
        searcher.apply(event)
    if not isinstance(scheduler, Replayable):
        return searcher.propose_again(list(journal.trials))
    judge = Judge(scheduler, searcher.metric)
    for event in journal.events:
        judge.apply(event)
    for number in journal.unfinished():
        if number in judge.decided:
            end = Ended(number, judge.decided[number])
            journal.append(end)
            searcher.apply(end)
            judge.apply(end)
    return searcher.propose_again(journal.unfinished())


class Judge:
    """Calls a scheduler as Ray would, for events of the past.

    Attributes:
      decided: number -> status of the trials whose last report was the last of all.
    """

    def __init__(self, scheduler: Replayable, metric: str) -> None:
        self.decided: dict[int, str] = {}
        self._scheduler = scheduler
        self._metric = metric
        self._last: dict[int, dict[str, Any]] = {}

    def apply(self, event: Event) -> None:
        """Let the scheduler know."""
        trial = PastTrial({NUMBER: event.number})
        match event:
            case Suggested():
                self._scheduler.on_trial_add(None, trial)
            case Reported(number, step, _, value, status):
                self._last[number] = {STEP: step, self._metric: value}
                if status != RUNNING:  # Ray does not ask about a last report
                    self.decided[number] = status
                elif self._stops(trial):
                    self.decided[number] = "stopped"
            case Ended(_, "failed"):
                self._scheduler.on_trial_error(None, trial)
            case Ended(number) if number in self._last:
                self._scheduler.on_trial_complete(None, trial, self._last[number])

    def _stops(self, trial: PastTrial) -> bool:
        result = self._last[trial.config[NUMBER]]
        return self._scheduler.on_trial_result(None, trial, result) == TrialScheduler.STOP
