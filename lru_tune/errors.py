"""Errors a user can meet, each with the exit code its command ends with.

Raise one of these for anything the user can mend: its text says what was expected, what was found and
what to type next. Any other exception is a fault of lru-tune itself and ends with exit code 1.
"""

import difflib
from collections.abc import Iterable
from typing import ClassVar


class LruTuneError(Exception):
    """Base of every error with a message meant for the user."""

    exit_code: ClassVar[int] = 1


class ConfigError(LruTuneError):
    """A flag, a search space or a configuration is wrong; holds every problem found in one pass."""

    exit_code = 2

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class DataNotPrepared(LruTuneError):
    """The task has no arrays on disk."""

    exit_code = 3


class DataDamaged(LruTuneError):
    """Files are there but are not what their checksums or formats promise."""

    exit_code = 3


class ResourcesMissing(LruTuneError):
    """The machine or cluster does not have what was asked for."""

    exit_code = 4


class Occupied(LruTuneError):
    """Another process works in the folder."""

    exit_code = 4


class NoTrialSucceeded(LruTuneError):
    """The experiment ran to its end and has nothing to choose from."""

    exit_code = 5


class VerdictBelow(LruTuneError):
    """A result is below the published number, and the caller asked to be told by the exit code."""

    exit_code = 6


class Interrupted(LruTuneError):
    """The user stopped the work; the text says how to go on."""

    exit_code = 130


class CheckpointDamaged(LruTuneError):
    """No checkpoint of a run can be read."""

    exit_code = 3


class Diverged(LruTuneError):
    """The loss or a gradient stopped being finite.

    Attributes:
      step: the optimiser step, counted from 1, whose loss or gradient was not finite.
      parameter: path of the first parameter with a non-finite gradient, "loss" where only the loss is.
    """

    exit_code = 5

    def __init__(self, step: int, parameter: str) -> None:
        self.step = step
        self.parameter = parameter
        super().__init__(f"diverged at step {step}: first non-finite value in {parameter}")

    def __reduce__(self) -> tuple[type["Diverged"], tuple[int, str]]:
        # Exceptions cross process borders by their constructor's arguments.
        return Diverged, (self.step, self.parameter)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest known word, or the list of known words."""
    known = sorted(known)
    nearest = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if nearest:
        return f" Did you mean {nearest[0]!r}?"
    return f" Known: {', '.join(known)}." if known else ""
