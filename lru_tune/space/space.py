"""SearchSpace: one YAML file that says what is fixed, what is searched and how."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lru_tune.config.config_files import dump_yaml
from lru_tune.config.dotted import flatten, nest
from lru_tune.config.resolve import flat_fields
from lru_tune.config.yaml_io import read_yaml
from lru_tune.errors import ConfigError
from lru_tune.files import paths
from lru_tune.space.layers import Draft
from lru_tune.space.parse import parse
from lru_tune.space.sample_space import SampleSpace, Scale
from lru_tune.space.validate import check
from lru_tune.tasks import find_task

_ABSENT = object()


class SearchSpace(SampleSpace):
    """A checked search space, complete: defaults filled in, variant, quick and overrides applied.

    Equality ignores `path` and `notes`. Picklable.
    """

    @classmethod
    def load(
        cls,
        source: str | Path,
        *,
        variant: str | None = None,
        overrides: Sequence[str] = (),
        scale: Scale = "full",
    ) -> "SearchSpace":
        """Read, resolve and check a search space.

        Args:
          source: a task's name or alias (its shipped space), or the path of a file (a `Path`, or a string
            with a separator or ending in .yaml). An experiment's space.yaml loads to an equal space.
          variant: replaces the variant of the file; fields that it lacks are dropped, with a note.
          overrides: `dotted.key=value` strings, as after `--set`; a key is a field of RunConfig (which then
            is no longer searched), `search.<field>` with a domain, or `tune.<setting>`. They come last.
          scale: "quick" merges the file's `quick:` block over the rest; a resolved space keeps its own.

        Raises:
          ConfigError: every problem found, with file and line or the `--set` it came from.
        """
        path = _find(source)
        draft = Draft.of(read_yaml(path))
        draft.merge_quick(scale)
        if variant is not None:
            draft.switch(variant)
        for text in overrides:
            draft.override(text)
        parts = parse(draft)
        space = cls(
            task=parts.heading.task,
            variant=parts.heading.variant,
            base=flat_fields(parts.config),
            domains=parts.domains,
            constraints=parts.constraints,
            points=parts.points,
            tune=parts.tune,
            scale=draft.scale,
            path=path,
            notes=tuple(draft.notes),
        )
        if problems := check(space, draft.document.locate):
            raise ConfigError(*problems)
        return space

    def to_mapping(self) -> dict[str, Any]:
        """Return the content of a file that `load` reads as an equal space."""
        return {
            "schema": self.schema,
            "task": self.task,
            "variant": self.variant,
            "scale": self.scale,
            "base": nest(self.base),
            "search": {path: domain.to_mapping() for path, domain in self.domains.items()},
            "constraints": [constraint.text for constraint in self.constraints],
            "points": self.points,
            "tune": _without_none(self.tune.model_dump(mode="json")),
        }

    def to_yaml(self, header: Sequence[str] = ()) -> str:
        """Return the text of a file that `load` reads as an equal space, with `header` as comments."""
        return dump_yaml(self.to_mapping(), header)

    def difference(self, other: "SearchSpace") -> dict[str, str]:
        """Return key -> `key: here -> there` for each entry that differs in another space."""
        here, there = (flatten(space.to_mapping()) for space in (self, other))
        return {
            key: f"{key}: {here.get(key, 'absent')} -> {there.get(key, 'absent')}"
            for key in here | there
            if here.get(key, _ABSENT) != there.get(key, _ABSENT)
        }


def _without_none(mapping: dict[str, Any]) -> dict[str, Any]:
    return nest({key: value for key, value in flatten(mapping).items() if value is not None})


def _find(source: str | Path) -> Path:
    """Return the absolute path of a file, or of the shipped space of a task."""
    if isinstance(source, str) and os.sep not in source and not source.endswith((".yaml", ".yml")):
        return paths.search_space_file(find_task(source).name)
    return Path(source).resolve()
