"""What a finished search suggests to try next. Rules of thumb, each with the number it rests on."""

import pandas as pd

from lru_tune.results.advising.boundaries import LEAST_TRIALS
from lru_tune.results.reading.frame import BEST_STEP, HORIZON, STATUS, TRIAL

LATE = 0.8  # of the trials, in the order proposed
MANY_DIVERGED = 0.2  # of all trials


def advice(trials: pd.DataFrame, confirmed: pd.DataFrame, best: pd.Series | None) -> list[str]:
    """Return lines of advice, often none.

    Args:
      trials: the search's, sorted by name, which is the order they were proposed in.
      confirmed: runs of the confirmation.
      best: row of the best trial; None where none succeeded.
    """
    lines = []
    diverged = int((trials[STATUS] == "diverged").sum())
    if len(trials) and diverged / len(trials) > MANY_DIVERGED:
        lines.append(
            f"{diverged} of {len(trials)} trials diverged: lower the upper end of the learning rate, "
            "or warm up for longer."
        )
    if best is None:
        return lines
    if len(trials) < LEAST_TRIALS:
        lines.append(
            f"{len(trials)} trials say little about a space: go on with more of them (--resume, --trials)."
        )
    elif (place := 1 + int((trials[TRIAL] == best[TRIAL]).argmax())) > LATE * len(trials):
        lines.append(
            f"The best trial was number {place} of {len(trials)}: the search was still finding better "
            "ones, and more trials may (--resume, --trials)."
        )
    if best[STATUS] == "completed" and best[BEST_STEP] == best[HORIZON]:
        lines.append(
            "The winner was best at its last report: it may gain from more steps (--set steps=...)."
        )
    if confirmed.empty:
        lines.append(
            "Nothing was confirmed over fresh seeds: the winner's score is that of the luckiest trial, and "
            "the mean over seeds will likely be lower."
        )
    return lines
