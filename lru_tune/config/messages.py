"""Where a value was written, and what is wrong with it in one line."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

from lru_tune.errors import did_you_mean

FLAG = "--set "  # origins are `--set key=value`, another flag, or `file:line`
Say = Callable[[str, str], str]  # (dotted field, what is wrong) -> the whole line


@dataclass(frozen=True)
class Document:
    """A YAML mapping that remembers where each entry was written.

    Attributes:
      name: the file as shown in messages.
      content: nested plain Python; keys are texts.
      origins: dotted path -> `file:line`, or `--set key=value` for an override.
    """

    name: str
    content: dict[str, Any]
    origins: dict[str, str]

    def problem(self, path: str, text: str) -> str:
        """Return `origin: path: text`; for an override `--set key=value: text`."""
        origin = self.origin(path)
        label = "" if origin.startswith("--") or not path else f"{path}: "
        return f"{origin}: {label}{text}"

    def origin(self, path: str) -> str:
        """Return where a path, or else its nearest ancestor, was written."""
        while path:
            if path in self.origins:
                return self.origins[path]
            path = path.rpartition(".")[0]
        return self.name

    def under(self, prefix: str) -> Say:
        """Return `problem` for paths inside a section."""
        return lambda path, text: self.problem(".".join(filter(None, (prefix, path))), text)


# Pydantic's error types, put into our words; `{given}` is the value as written.
_TEXTS: Mapping[str, str] = {
    "float_parsing": "needs a number, got {given}",
    "float_type": "needs a number, got {given}",
    "finite_number": "needs a finite number, got {given}",
    "int_parsing": "needs a whole number, got {given}",
    "int_type": "needs a whole number, got {given}",
    "int_from_float": "needs a whole number, got {given}",
    "bool_parsing": "needs true or false, got {given}",
    "bool_type": "needs true or false, got {given}",
    "string_type": "needs a text, got {given}",
    "tuple_type": "needs a list, got {given}",
    "greater_than": "must be above {gt:g}, got {given}",
    "greater_than_equal": "must not be below {ge:g}, got {given}",
    "less_than": "must be below {lt:g}, got {given}",
    "less_than_equal": "must not be above {le:g}, got {given}",
    "value_error": "{error}",
    "missing": "is missing",
}


def describe(error: ErrorDetails) -> str:
    """Return what is wrong with one value, from pydantic's account of it."""
    given = error["input"]
    if error["type"] == "literal_error":
        expected = error["ctx"]["expected"]
        hint = did_you_mean(given, expected.replace("'", "").replace(" or ", ", ").split(", "))
        nearest = hint if "mean" in hint else ""
        return f"needs {expected}, got {show(given)}.{nearest}"
    template = _TEXTS.get(error["type"])
    if template is None:
        return f"{error['msg'][0].lower()}{error['msg'][1:]}, got {show(given)}"
    return template.format(given=show(given), **error.get("ctx", {}))


def in_file_order(problems: Iterable[str]) -> list[str]:
    """Return problem lines sorted by line number, those without one first, otherwise as they came."""

    def line(problem: str) -> int:
        found = re.match(r"[^ ]*?:(\d+): ", problem)
        return int(found[1]) if found else 0

    return sorted(problems, key=line)


def show(value: Any) -> str:
    """Return a value as it may stand in YAML, said with its type where that is the point."""
    if isinstance(value, str):
        return f"the text {value!r}"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "nothing"
    return f"{value:g}" if isinstance(value, float) else repr(value)
