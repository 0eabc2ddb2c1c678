"""Going on with a search beyond what it was started with: more trials, another confirmation."""

from pathlib import Path

from lru_tune.errors import ConfigError
from lru_tune.search.strategy import journal as journals
from lru_tune.search.strategy.journal import read_trials
from lru_tune.space.space import SearchSpace

# What the searcher and the scheduler do not depend on, so that the trials so far remain what they are.
EXTENDABLE = frozenset({"tune.trials", "tune.confirm.top", "tune.confirm.seeds"})


def check_extension(folder: Path, space: SearchSpace, wanted: SearchSpace) -> None:
    """Raise ConfigError unless an experiment can go on with another space than it was run with so far.

    Args:
      folder: the experiment's.
      space: as it was run.
      wanted: what it is to go on with; equal, or different in EXTENDABLE only.
    """
    changes = space.difference(wanted)
    if refused := [line for key, line in changes.items() if key not in EXTENDABLE]:
        raise ConfigError(
            f"{folder} was started with another space; resume it as it is or start a new experiment. "
            f"Only {', '.join(sorted(EXTENDABLE))} may change. Changed:",
            *(f"  {line}" for line in refused),
        )
    proposed = len(read_trials(folder / journals.FILE))
    if wanted.tune.trials < min(proposed, space.tune.trials):
        raise ConfigError(
            f"tune.trials: {wanted.tune.trials} are fewer than the {proposed} trials that {folder.name} has "
            "already; nothing is taken back"
        )
