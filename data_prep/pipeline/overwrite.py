"""Which existing arrays may be overwritten: by more of the same, otherwise only on request."""

from collections.abc import Iterator
from typing import Any

from data_prep.pipeline.recipe import Counts, Recipe
from lru_tune.data.manifest import SPLITS, Manifest, Provenance
from lru_tune.data.store import PreparedTask
from lru_tune.errors import ConfigError

# Parameters that depend on how many examples there are.
AMOUNTS = ("counts", "limit", "images_sha256")


def check_replaceable(existing: PreparedTask, recipe: Recipe) -> None:
    """Raise ConfigError if a recipe would lose examples that exist.

    A recipe may replace the same examples by more of them. Synthetic twins may always be replaced:
    making them takes a second.
    """
    manifest = existing.manifest
    if not manifest.synthetic and not _is_more_of_the_same(manifest, recipe):
        raise ConfigError(
            "prep.other-arrays",
            folder=existing.folder,
            task=manifest.task,
            differences="; ".join(_differences(manifest.provenance, recipe.provenance)),
        )


def incomplete_release(prepared: PreparedTask, expected: Counts) -> str | None:
    """Return a warning if the publisher's files held fewer examples than the whole release."""
    found = prepared.manifest.counts
    short = ", ".join(
        f"{found[split]:,} of {expected[split]:,} {split}"
        for split in SPLITS
        if found[split] < expected[split]
    )
    task = prepared.manifest.task
    return (
        f"warning: {task}: the files are not the whole release: {short} examples" if short else None
    )


def _is_more_of_the_same(manifest: Manifest, recipe: Recipe) -> bool:
    same = _without_amounts(manifest.provenance) == _without_amounts(recipe.provenance)
    grows = recipe.counts != manifest.counts and all(
        recipe.counts[split] >= manifest.counts[split] for split in SPLITS
    )
    return same and grows


def _without_amounts(provenance: Provenance) -> Provenance:
    kept = {k: v for k, v in provenance.parameters.items() if k not in AMOUNTS}
    return Provenance(provenance.source, kept, provenance.seed, provenance.synthetic)


def _differences(old: Provenance, new: Provenance) -> Iterator[str]:
    """Yield what differs, as `name: old -> new`; for checksums and long values the name only."""
    before = {"source": old.source, "seed": old.seed}
    after = {"source": new.source, "seed": new.seed}
    for name in sorted(old.parameters.keys() | new.parameters.keys()):
        before[name], after[name] = old.parameters.get(name), new.parameters.get(name)
    for name, value in before.items():
        if value != after[name]:
            yield _difference(name, value, after[name])


def _difference(name: str, old: Any, new: Any) -> str:
    if name == "counts" and isinstance(old, dict) and isinstance(new, dict):
        before, after = (" / ".join(f"{n:,}" for n in counts.values()) for counts in (old, new))
        return f"examples: {before} -> {after}"
    if "sha256" in name:
        return f"{name} differs: the files have changed"
    if isinstance(old, dict | list) or isinstance(new, dict | list):
        return f"{name} differs"
    return f"{name}: {old} -> {new}"
