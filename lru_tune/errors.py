"""Errors that a user can meet, each with a code and the exit code of its command.

Raise one of these for anything that the user can fix, with the code of its message and the values in it:

    raise ConfigError("config.unknown-variant", name="lur", hint=did_you_mean("lur", VARIANTS))

The sentences and their remedies are in `lru_tune/messages/`, one YAML file for each prefix of the
codes; `lru-tune errors` prints them. Any other exception is a bug of lru-tune and ends with exit code 1.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar, NamedTuple


class Message(NamedTuple):
    """An entry of the catalogue in `lru_tune/messages/`.

    Attributes:
      text: a template for `str.format`; its fields are the values of a problem.
      remedy: Markdown for docs/troubleshooting.md, what to do about it.
    """

    text: str
    remedy: str


@cache
def messages(prefix: str) -> Mapping[str, Message]:
    """Return code -> message of one file of the catalogue; raise KeyError where there is none."""
    import yaml  # late: most commands raise nothing

    path = files("lru_tune.messages") / f"{prefix}.yaml"
    if not path.is_file():
        raise KeyError(prefix)
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {f"{prefix}.{name}": Message(*entry) for name, entry in entries.items()}


def prefixes() -> list[str]:
    """Return the prefixes of all codes, sorted."""
    names = (entry.name for entry in files("lru_tune.messages").iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
      code: `prefix.name`, a key of the catalogue.
      values: what the sentence is filled in with.
      file: where the user wrote it, as shown to the user; None where no file is at fault.
      line: in that file, from 1.
      key: the dotted field, or the flag, that is at fault.
    """

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)
    file: str | None = None
    line: int | None = None
    key: str | None = None

    def at(
        self, *, file: str | None = None, line: int | None = None, key: str | None = None
    ) -> "Problem":
        """Return the problem with its place; what is left out stays as it is."""
        return replace(
            self,
            file=self.file if file is None else file,
            line=self.line if line is None else line,
            key=self.key if key is None else key,
        )

    @property
    def text(self) -> str:
        """The sentence, without its place."""
        return messages(self.code.partition(".")[0])[self.code].text.format(**self.values)

    def __str__(self) -> str:
        """Return `file:line: key: sentence`."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(filter(None, (place, self.key, self.text)))


def problem(code: str, **values: Any) -> Problem:
    """Return a problem with the values of its sentence; `file`, `line` and `key` are its place."""
    place = {name: values.pop(name) for name in ("file", "line", "key") if name in values}
    return Problem(code, values, **place)


class LruTuneError(Exception):
    """Base of every error that is meant for the user.

    Attributes:
      problems: what is wrong, at least one.
      code: of the first problem.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, first: Problem | str, /, *others: Problem, **values: Any) -> None:
        """Take problems, or a code with the values of its sentence; `file`, `line`, `key` are its place."""
        if isinstance(first, str):
            first = problem(first, **values)
        self.problems: tuple[Problem, ...] = (first, *others)
        super().__init__("\n".join(map(str, self.problems)))

    @property
    def code(self) -> str:
        """The code of the first problem."""
        return self.problems[0].code

    def lines(self) -> str:
        """Return what a command prints: each problem on a line, with its code in brackets."""
        return "\n".join(f"{problem} [{problem.code}]" for problem in self.problems)

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions cross process borders by their constructor's arguments.
        return type(self), self.problems


class ConfigError(LruTuneError):
    """A flag, a search space or a configuration is wrong; holds every problem found in one pass."""

    exit_code = 2


class InputError(LruTuneError):
    """An array given to a trained network has the wrong type, shape, range or lengths."""

    exit_code = 2


class DataNotPrepared(LruTuneError):
    """The task has no arrays on disk."""

    exit_code = 3


class DataDamaged(LruTuneError):
    """Files exist, but do not match their checksums or formats."""

    exit_code = 3


class ResourcesMissing(LruTuneError):
    """The machine or the cluster lacks what was asked for."""

    exit_code = 4


class Occupied(LruTuneError):
    """Another process is working in the folder."""

    exit_code = 4


class NoTrialSucceeded(LruTuneError):
    """The experiment ran to its end, but no trial succeeded."""

    exit_code = 5


class VerdictBelow(LruTuneError):
    """A result is below the published number, and `--strict` was given."""

    exit_code = 6


class Interrupted(LruTuneError):
    """The user stopped the work; the message holds the command that resumes it."""

    exit_code = 130


class CheckpointDamaged(LruTuneError):
    """No checkpoint of a run can be read."""

    exit_code = 3


class Diverged(LruTuneError):
    """The loss or a gradient is no longer finite.

    Attributes:
      step: the optimiser step, counted from 1, whose loss or gradient was not finite.
      parameter: path of the first parameter with a non-finite gradient, "loss" where only the loss is.
    """

    exit_code = 5

    def __init__(self, step: int, parameter: str) -> None:
        self.step = step
        self.parameter = parameter
        super().__init__("training.diverged", step=step, parameter=parameter)

    def __reduce__(self) -> tuple[Any, ...]:
        return Diverged, (self.step, self.parameter)


class Invalid(ValueError):
    """A value is wrong, found by code that does not know the field and the file of the value.

    Pydantic's validators and the parsers of domains and constraints raise it. Callers that know the place
    add it: `error.problem.at(file=..., line=..., key=...)`.
    """

    def __init__(self, code: str, **values: Any) -> None:
        self.problem = Problem(code, values)
        super().__init__(self.problem.text)

    def __reduce__(self) -> tuple[Any, ...]:
        return _invalid, (self.problem,)


def _invalid(problem: Problem) -> Invalid:
    return Invalid(problem.code, **problem.values)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest known word, or the list of known words."""
    known = sorted(known)
    nearest = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if nearest:
        return f" Did you mean {nearest[0]!r}?"
    return f" Known: {', '.join(known)}." if known else ""
