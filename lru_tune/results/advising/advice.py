"""Suggestions for the next search: rules of thumb, each with the number that it is based on."""

import pandas as pd

from lru_tune.results.advising.boundaries import LEAST_TRIALS
from lru_tune.results.reading.frame import BEST_STEP, HORIZON, STATUS, TRIAL

LATE = 0.8  # fraction of the trials, in the order in which they were proposed
MANY_DIVERGED = 0.2  # fraction of all trials


def advice(trials: pd.DataFrame, confirmed: pd.DataFrame, best: pd.Series | None) -> list[str]:
    """Return sentences of advice; often none.

    Args:
      trials: all trials of a search, sorted by name, which is the order in which they were proposed.
      confirmed: runs of the confirmation.
      best: row of the best trial; None if no trial succeeded.
    """
    lines = []
    diverged = int((trials[STATUS] == "diverged").sum())
    if len(trials) and diverged / len(trials) > MANY_DIVERGED:
        lines.append(
            f"{diverged} of {len(trials)} trials diverged: lower the upper end of the learning rate, "
            "or use a longer warm-up."
        )
    if best is None:
        return lines
    if len(trials) < LEAST_TRIALS:
        lines.append(
            f"{len(trials)} trials are too few to judge a space: run more (--resume, --trials)."
        )
    elif (place := 1 + int((trials[TRIAL] == best[TRIAL]).argmax())) > LATE * len(trials):
        lines.append(
            f"The best trial was number {place} of {len(trials)}: the search was still improving, so more "
            "trials may find better configurations (--resume, --trials)."
        )
    if best[STATUS] == "completed" and best[BEST_STEP] == best[HORIZON]:
        lines.append(
            "The best trial had its best value in its last report: more steps may improve it "
            "(--set steps=...)."
        )
    if confirmed.empty:
        lines.append(
            "The best configuration was not confirmed with fresh seeds. Its score is that of the luckiest "
            "trial, so the mean over seeds will probably be lower."
        )
    return lines
