"""YAML that is read as written: line numbers kept, duplicate keys refused, no guessing of types.

Plain scalars are read by YAML 1.2's core schema, not by PyYAML's YAML 1.1: `1e-4` is a number; `off`, `no`
and `12:30` are strings. The field that a string is meant for may still convert it.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from lru_tune.config.document import FLAG, Document
from lru_tune.errors import ConfigError, Problem, did_you_mean, problem


class _Loader(yaml.SafeLoader):
    """Composes nodes only; values are built by `_scalar`."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - PyYAML's own way


_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.nan|\.NaN"
)
_TEXT_TAG = "tag:yaml.org,2002:str"


def _scalar(node: yaml.ScalarNode) -> Any:
    text = node.value
    if node.style is not None or node.tag != _TEXT_TAG:  # quoted, block or tagged: a string
        return text
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text.replace(".inf", "inf").replace(".nan", "nan"))
    return text


class _Reader:
    """Turns one composed file into plain Python, collecting lines and duplicate keys."""

    def __init__(self, file: str) -> None:
        self.file = file  # as shown in messages
        self.lines: dict[str, int] = {}  # dotted path -> line, from 1
        self.problems: list[Problem] = []
        self.open: list[yaml.Node] = []  # the nodes around the present one

    def value(self, node: yaml.Node, path: str) -> Any:
        if node in self.open:
            self.wrong(node, path, problem("config.alias-to-itself"))
            return None
        self.open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self.item(child, f"{path}.{i}") for i, child in enumerate(node.value)]
            return _scalar(node) if isinstance(node, yaml.ScalarNode) else None
        finally:
            self.open.pop()

    def mapping(self, node: yaml.MappingNode, path: str) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            inner = f"{path}.{key}" if path else key
            if inner in self.lines:
                twice = problem("config.key-given-twice", first=self.lines[inner])
                self.wrong(key_node, inner, twice)
            self.lines[inner] = _line(key_node)
            content[key] = self.value(value_node, inner)
        return content

    def item(self, node: yaml.Node, path: str) -> Any:
        self.lines[path] = _line(node)
        return self.value(node, path)

    def wrong(self, node: yaml.Node, path: str, problem: Problem) -> None:
        self.problems.append(problem.at(file=self.file, line=_line(node), key=path))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def read_yaml(path: str | Path) -> Document:
    """Read a YAML file whose top is a mapping.

    Raises:
      ConfigError: no such file, not YAML, keys given twice.
    """
    path = Path(path)
    name = shown(path)
    if path.is_dir():
        raise ConfigError("config.folder-not-file", file=name, hint=_nearest("", path))
    if not path.is_file():
        hint = _nearest(path.name, path.parent)
        raise ConfigError("config.no-such-file", file=name, hint=hint)
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), _Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError("config.not-yaml", reason=error.problem, file=name, line=line) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError("config.not-text", reason=str(error), file=name) from None
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError("config.no-lines", given=_kind(node), file=name)
    reader = _Reader(name)
    content = reader.mapping(node, "")
    if reader.problems:
        raise ConfigError(*reader.problems)
    return Document(name, content, {**reader.lines})


def _kind(node: yaml.Node | None) -> str:
    return {yaml.SequenceNode: "a list", yaml.ScalarNode: "one value"}.get(type(node), "nothing")


def _nearest(name: str, folder: Path) -> str:
    """Return a hint at the YAML files of a folder."""
    return did_you_mean(name, [p.name for p in folder.glob("[!.]*.yaml")])


def shown(path: Path) -> str:
    """Return a path as messages show it: relative to the current folder where it is inside it."""
    here, absolute = Path.cwd(), path.resolve()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


def read_override(text: str) -> tuple[str, Any]:
    """Return key and value of a `dotted.key=value` string, the value read as YAML.

    Raises:
      ConfigError: no key, no value, or not YAML.
    """
    key, equals, value = text.partition("=")
    key = key.strip()
    if not (equals and key and value.strip()):
        raise ConfigError("config.bad-override", key=FLAG + text)
    try:
        node = yaml.compose(value, _Loader)
    except yaml.YAMLError:
        raise ConfigError("config.override-not-yaml", key=FLAG + text) from None
    reader = _Reader(FLAG + text)
    content = None if node is None else reader.value(node, key)
    if reader.problems:
        problems = (replace(p, file=None, line=None, key=FLAG + text) for p in reader.problems)
        raise ConfigError(*problems)
    return key, content
