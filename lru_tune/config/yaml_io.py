"""YAML that is read as written: line numbers kept, duplicate keys refused, no guessing of types.

Plain scalars are read by YAML 1.2's core schema, not by PyYAML's YAML 1.1: `1e-4` is a number, `off`, `no`
and `12:30` are texts. What a text means in the end is up to the field it is meant for.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from lru_tune.config.messages import FLAG, Document
from lru_tune.errors import ConfigError, did_you_mean


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
    if node.style is not None or node.tag != _TEXT_TAG:  # quoted, block or tagged: a text
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
    """Turns one composed file into plain Python, collecting origins and duplicate keys."""

    def __init__(self, origin: Callable[[int], str]) -> None:
        self.origin = origin  # line, from 1 -> where that is
        self.origins: dict[str, str] = {}
        self.problems: list[str] = []
        self.open: list[yaml.Node] = []  # the nodes around the present one

    def value(self, node: yaml.Node, path: str) -> Any:
        if node in self.open:
            self.problems.append(f"{self.line(node)}: {path}: an alias to itself")
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
            if inner in self.origins:
                self.problems.append(
                    f"{self.line(key_node)}: {inner}: given twice, first at {self.origins[inner]}"
                )
            self.origins[inner] = self.line(key_node)
            content[key] = self.value(value_node, inner)
        return content

    def item(self, node: yaml.Node, path: str) -> Any:
        self.origins[path] = self.line(node)
        return self.value(node, path)

    def line(self, node: yaml.Node) -> str:
        return self.origin(node.start_mark.line + 1)


def read_yaml(path: str | Path) -> Document:
    """Read a YAML file whose top is a mapping.

    Raises:
      ConfigError: no such file, not YAML, keys given twice.
    """
    path = Path(path)
    name = shown(path)
    if path.is_dir():
        raise ConfigError(f"{name}: a folder, not a file.{_nearest('', path)}")
    if not path.is_file():
        raise ConfigError(f"{name}: no such file.{_nearest(path.name, path.parent)}")
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), _Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{name}:{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: not a YAML text file: {error}") from None
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"{name}: needs a mapping, `key: value` lines")
    reader = _Reader(lambda line: f"{name}:{line}")
    content = reader.mapping(node, "")
    if reader.problems:
        raise ConfigError(*reader.problems)
    return Document(name, content, reader.origins)


def _nearest(name: str, folder: Path) -> str:
    """Return what to say of the YAML files that lie in a folder instead."""
    return did_you_mean(name, [p.name for p in folder.glob("[!.]*.yaml")])


def shown(path: Path) -> str:
    """Return a path as messages show it: relative where it lies below the current folder."""
    here, absolute = Path.cwd(), path.resolve()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


def read_override(text: str) -> tuple[str, Any]:
    """Return key and value of a `dotted.key=value` text, the value read as YAML.

    Raises:
      ConfigError: no key, no value, or not YAML.
    """
    key, equals, value = text.partition("=")
    key = key.strip()
    if not (equals and key and value.strip()):
        raise ConfigError(f"{FLAG}{text}: write {FLAG}dotted.key=value")
    try:
        node = yaml.compose(value, _Loader)
    except yaml.YAMLError:
        raise ConfigError(f"{FLAG}{text}: the value is not YAML") from None
    reader = _Reader(lambda _: FLAG + text)
    content = None if node is None else reader.value(node, key)
    if reader.problems:
        raise ConfigError(*reader.problems)
    return key, content
