"""What may change when a search is resumed: more trials, another confirmation."""

from pathlib import Path

from lru_tune.errors import ConfigError, problem
from lru_tune.search.strategy import journal as journals
from lru_tune.search.strategy.journal import read_trials
from lru_tune.space.space import SearchSpace

# Neither the searcher nor the scheduler depends on these, so earlier trials stay valid.
EXTENDABLE = frozenset({"tune.trials", "tune.confirm.top", "tune.confirm.seeds"})


def check_extension(folder: Path, space: SearchSpace, wanted: SearchSpace) -> None:
    """Raise ConfigError unless an experiment can be resumed with another space.

    Args:
      folder: of the experiment.
      space: that the experiment was run with so far.
      wanted: the space to resume with; it may differ in EXTENDABLE only.
    """
    extendable = ", ".join(sorted(EXTENDABLE))
    refused = [
        problem(
            "search.changed-space",
            key=key,
            change=line.removeprefix(f"{key}: "),
            folder=folder,
            extendable=extendable,
        )
        for key, line in space.difference(wanted).items()
        if key not in EXTENDABLE
    ]
    if refused:
        raise ConfigError(*refused)
    proposed, trials = len(read_trials(folder / journals.FILE)), wanted.tune.trials
    if trials < min(proposed, space.tune.trials):
        raise ConfigError(
            "search.too-few-trials",
            key="tune.trials",
            trials=trials,
            proposed=proposed,
            experiment=folder.name,
        )
