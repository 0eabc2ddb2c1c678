"""Reading a search back from its journal into a new searcher and a new scheduler."""

from lru_tune.search.strategy.journal import RUNNING, Ended, Journal, Reported
from lru_tune.search.strategy.schedulers import Scheduler
from lru_tune.search.strategy.searchers import SpaceSearcher


def replay(journal: Journal, searcher: SpaceSearcher, scheduler: Scheduler | None) -> int:
    """Fold the events of a journal into a searcher and a scheduler.

    If the driver was killed after a trial's last report and before its end was written, the end is written
    now.

    Args:
      journal: of the search.
      searcher: as made for a new search.
      scheduler: as made for a new search. None stands for HyperBand, whose state lives in Ray's trials: all
        trials are run again; each repeats the reports in its run directory and computes what is missing.

    Returns:
      The number of trials that the searcher will suggest again: the unfinished ones.
    """
    ends: dict[int, str] = {}
    for event in journal.events:
        searcher.apply(event)
        if scheduler is None:
            continue
        if scheduler.apply(event):
            ends[event.number] = "stopped"
        elif isinstance(event, Reported) and event.status != RUNNING:
            ends[event.number] = event.status
    if scheduler is None:
        again = list(journal.trials)
    else:
        for number in journal.unfinished():
            if number in ends:
                end = Ended(number, ends[number])
                journal.append(end)
                searcher.apply(end)
                scheduler.apply(end)
        again = journal.unfinished()
    searcher.run_again(again)
    return len(again)
