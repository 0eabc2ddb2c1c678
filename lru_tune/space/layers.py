"""The layers of a search space: the file, then `quick:`, then another variant, then `--set`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lru_tune.config.document import FLAG, Document, Origin
from lru_tune.config.dotted import flatten
from lru_tune.config.fields import fields_of, unknown_field
from lru_tune.config.pydantic_errors import wrong_type
from lru_tune.config.resolve import (
    RECURRENCE,
    SAME_THING,
    adapt,
    all_fields,
    assign,
    base_fields,
)
from lru_tune.config.variants import VARIANTS
from lru_tune.config.yaml_io import read_override
from lru_tune.errors import ConfigError, Problem, did_you_mean, problem
from lru_tune.space.constraints import parse_constraint
from lru_tune.space.settings import TuneSettings

SCHEMA = 1
_MAPPINGS = ("base", "search", "points", "tune", "quick")
_KEYS = ("schema", "task", "variant", "scale", "constraints", *_MAPPINGS)
# Sections that `quick:` and `--set` cannot change, and what to do instead.
_ELSEWHERE = {
    "task": "use --task",
    "variant": "use --variant",
    "schema": "edit the file",
    "scale": "use --quick",
    "points": "edit the file",
    "quick": "edit the file",
}


@dataclass
class Draft:
    """A search space while its layers are merged; problems are collected, not raised.

    Attributes:
      document: the file, with the origins of later layers added.
      base, search, tune: dotted key -> value as written.
      removed: dimensions that a later layer fixed or dropped.
    """

    document: Document
    base: dict[str, Any]
    search: dict[str, Any]
    points: dict[str, Any]
    tune: dict[str, Any]
    quick: dict[str, Any]
    constraints: Any
    heading: dict[str, Any]
    scale: Literal["full", "quick"]
    removed: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @classmethod
    def of(cls, document: Document) -> "Draft":
        """Split a file into its sections."""
        content = document.content
        found = {
            key: problem("space.unknown-section", hint=did_you_mean(key, _KEYS))
            for key in content
            if key not in _KEYS
        }
        if (schema := content.get("schema")) != SCHEMA:
            found["schema"] = wrong_type(str(SCHEMA), schema)
        if (scale := content.get("scale", "full")) not in ("full", "quick"):
            found["scale"] = wrong_type("full or quick", scale)
        sections = {key: content.get(key) or {} for key in _MAPPINGS}
        for key, section in sections.items():
            if not isinstance(section, dict):
                found[key] = wrong_type("a mapping", section)
                sections[key] = {}
        return cls(
            document=Document(document.name, content, dict(document.origins)),
            base=flatten(sections["base"]),
            search=dict(sections["search"]),
            points=dict(sections["points"]),
            tune=flatten(sections["tune"]),
            quick=dict(sections["quick"]),
            constraints=content.get("constraints") or [],
            heading={key: content[key] for key in ("task", "variant") if key in content},
            scale=content.get("scale", "full"),
            problems=[document.locate(key, problem) for key, problem in found.items()],
        )

    def merge_quick(self, scale: Literal["full", "quick"]) -> None:
        """Merge the `quick:` block over the rest where scale is "quick"; always check its names."""
        for key in self.quick:
            if found := _no_such_key(key):
                self.problems.append(self.document.locate(f"quick.{key}", found))
        if scale != "quick" or self.scale == "quick":
            return
        if not self.quick:
            self.problems.append(self.document.locate("", problem("space.no-quick-block")))
        for key, value in self.quick.items():
            if not _no_such_key(key):
                self.assign(key, value, self.document.origin(f"quick.{key}"))
        self.scale = "quick"

    def switch(self, variant: str) -> None:
        """Replace the file's variant; fields that the new one lacks are dropped, with a note."""
        before = self.heading.get("variant", "lru")
        self.heading["variant"] = variant
        self.document.origins["variant"] = "--variant"
        if variant == before or variant not in VARIANTS:  # an unknown one is a problem for `parse`
            return
        known = base_fields(variant)
        base, search = adapt(self.base, variant), adapt(self.search, variant)
        self.removed |= self.search.keys() - search.flat.keys()
        self.base, self.search = base.flat, search.flat
        if isinstance(self.constraints, list):
            kept = [text for text in self.constraints if not _reads_foreign(text, known)]
            self.notes += [
                f"constraint {text!r} is dropped: variant {variant} lacks one of its fields"
                for text in self.constraints
                if text not in kept
            ]
            self.constraints = kept
        if gone := sorted({*base.dropped, *search.dropped}):
            self.notes.append(f"dropped, as variant {variant} lacks them: {', '.join(gone)}")

    def override(self, text: str) -> None:
        """Merge one `--set` over the rest."""
        try:
            key, value = read_override(text)
        except ConfigError as error:
            self.problems += error.problems
            return
        if found := _no_such_key(key):
            self.problems.append(found.at(key=FLAG + text))
        else:
            self.assign(key, value, FLAG + text)

    def assign(self, key: str, value: Any, origin: Origin) -> None:
        """Set `tune.<setting>`, `search.<field>`, or a field, which is then no longer searched."""
        section, _, rest = key.partition(".")
        if section == "constraints":
            self.constraints = value
        elif section == "tune":
            self.tune[rest] = value
        elif section == "search":
            self.search[rest] = value
        else:
            path = rest if section == "base" else key
            assign(self.base, path, value)
            key = f"base.{path}"
            for searched in self.search.keys() & {path, SAME_THING.get(path)}:
                del self.search[searched]
                self.removed.add(searched)
                what = "it" if searched == path else searched
                self.notes.append(f"{path} is fixed to {value}; {what} is no longer searched")
        self.document.origins[key] = origin


def _no_such_key(key: str) -> Problem | None:
    """Return what is wrong with a key of `quick:` or `--set`, None if nothing is."""
    section, _, rest = key.partition(".")
    if section in _ELSEWHERE:
        return problem("space.cannot-be-set-here", instead=_ELSEWHERE[section])
    if section == "constraints" and not rest:
        return None
    known = fields_of(TuneSettings) if section == "tune" else dict.fromkeys(all_fields())
    path = rest if section in ("tune", "search", "base") else key
    return None if path in known else unknown_field(path, known)


def _reads_foreign(text: Any, known: Mapping[str, Any]) -> bool:
    """Return whether a constraint names a recurrence field that a variant lacks."""
    try:
        names = parse_constraint(text).names
    except ValueError:
        return False
    return any(name.startswith(RECURRENCE) and name not in known for name in names)
