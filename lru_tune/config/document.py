"""A YAML mapping that remembers where each entry was written."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from lru_tune.errors import Problem

FLAG = "--set "
Origin = int | str | None  # line of a file, a flag, or unknown
Locate = Callable[
    [str, Problem], Problem
]  # (dotted field, what is wrong) -> the same with its place


@dataclass(frozen=True)
class Document:
    """A YAML mapping that remembers where each entry was written.

    Attributes:
      name: the file as shown in messages.
      content: nested plain Python; keys are strings.
      origins: dotted path -> line of the file, or the flag that set it, such as `--set key=value`.
    """

    name: str
    content: dict[str, Any]
    origins: dict[str, Origin]

    def locate(self, path: str, problem: Problem) -> Problem:
        """Return the problem with the place of a path; an override is shown by its flag alone."""
        origin = self.origin(path)
        if isinstance(origin, str):
            return replace(problem, file=None, line=None, key=origin)
        return replace(problem, file=self.name, line=origin, key=path or None)

    def origin(self, path: str) -> Origin:
        """Return where a path, or else its nearest ancestor, was written; None where none was."""
        while path:
            if path in self.origins:
                return self.origins[path]
            path = path.rpartition(".")[0]
        return None

    def under(self, prefix: str) -> Locate:
        """Return `locate` for paths inside a section."""
        return lambda path, problem: self.locate(".".join(filter(None, (prefix, path))), problem)


def at_key(path: str, problem: Problem) -> Problem:
    """Return the problem at a field that is written in no file; a `Locate`."""
    return problem.at(key=path or None)


def in_file_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems sorted by line, those without one first, otherwise in the order given."""
    return sorted(problems, key=lambda problem: problem.line or 0)


def show(value: Any) -> str:
    """Return a value as it is written in YAML, a string in quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    return f"{value:g}" if isinstance(value, float) else repr(value)
