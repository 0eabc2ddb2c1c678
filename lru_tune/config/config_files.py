"""RunConfig <-> YAML: config.yaml of a run, best.yaml of an experiment, the base of a search space."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lru_tune.config.document import FLAG, Document, in_file_order
from lru_tune.config.dotted import flatten, nest
from lru_tune.config.pydantic_errors import wrong_type
from lru_tune.config.resolve import TOP_LEVEL, adapt, assign, read_heading, resolve
from lru_tune.config.schema import RunConfig
from lru_tune.config.yaml_io import read_override, read_yaml
from lru_tune.errors import ConfigError, Problem

LONGEST_LINE = 80  # characters of a mapping or list that is written on one line


class _Dumper(yaml.SafeDumper):
    """Writes short mappings of plain values on one line, others with one entry per line."""

    def represent_mapping(
        self, tag: str, mapping: Any, flow_style: bool | None = None
    ) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, flow_style)
        plain = all(not isinstance(v, yaml.CollectionNode) or v.flow_style for _, v in node.value)
        node.flow_style = plain and len(str(mapping)) <= LONGEST_LINE
        return node

    def represent_sequence(
        self, tag: str, sequence: Any, flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        node = super().represent_sequence(tag, sequence, flow_style)
        node.flow_style = len(str(sequence)) <= LONGEST_LINE
        return node


def dump_yaml(content: Mapping[str, Any], header: Sequence[str] = ()) -> str:
    """Return YAML text with short lists and mappings on one line, and `header` as comments above."""
    comment = "".join(f"# {line}".rstrip() + "\n" for line in header)
    return comment + yaml.dump(
        dict(content), Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True
    )


def dump_run_config(config: RunConfig, header: Sequence[str] = ()) -> str:
    """Return the text of a config.yaml: every field that is not None, defaults included.

    Args:
      config: the run.
      header: comments, such as where the configuration comes from.
    """
    flat = {k: v for k, v in flatten(config.model_dump()).items() if v is not None}
    return dump_yaml(nest(flat), header)


def load_run_config(path: str | Path, *, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a config.yaml or best.yaml, or the base of a search space, whose `search` is ignored.

    Args:
      path: the file.
      overrides: `dotted.key=value` strings, as after `--set`; `variant=NAME` replaces the recurrence of
        the file.

    Raises:
      ConfigError: every problem found, with file and line or the `--set` it came from.
    """
    return _with_overrides(read_yaml(path), overrides)


def change_run_config(config: RunConfig, overrides: Sequence[str]) -> RunConfig:
    """Return a configuration with changes, which are read as those of `load_run_config`.

    Raises:
      ConfigError: every problem found, with the `--set` it came from.
    """
    flat = {k: v for k, v in flatten(config.model_dump(mode="json")).items() if v is not None}
    return _with_overrides(Document("configuration", nest(flat), {}), overrides)


def _with_overrides(document: Document, overrides: Sequence[str]) -> RunConfig:
    heading = {key: document.content[key] for key in TOP_LEVEL if key in document.content}
    prefix, body = _body(document)
    flat, origins = flatten(body), dict(document.origins)
    problems: list[Problem] = []
    for text in overrides:
        try:
            key, value = read_override(text)
        except ConfigError as error:
            problems += error.problems
            continue
        if key in TOP_LEVEL:
            origins[key] = FLAG + text
            heading[key] = value
        else:
            origins[prefix + key] = FLAG + text
            assign(flat, key, value)
    written = Document(document.name, document.content, origins)
    try:
        chosen = read_heading(heading, written.locate)
        if document.content.get("variant", "lru") != chosen.variant:
            flat = adapt(flat, chosen.variant).flat
        config = resolve(chosen, flat, written.under(prefix.rstrip(".")))
    except ConfigError as error:
        raise ConfigError(*in_file_order([*problems, *error.problems])) from None
    if problems:
        raise ConfigError(*problems)
    return config


def _body(document: Document) -> tuple[str, dict[str, Any]]:
    """Return the prefix of a file's fields ("base." in a search space) and the fields."""
    if "base" not in document.content:
        return "", {k: v for k, v in document.content.items() if k not in TOP_LEVEL}
    base = document.content["base"]
    if not isinstance(base, dict):
        raise ConfigError(document.locate("base", wrong_type("a mapping of fields", base)))
    return "base.", base
