"""What may replace arrays that lie there already, and whether what was read is whole.

More of the same may replace them; anything else only when asked for.
"""

from typing import Any

from data_prep.pipeline.origin import Counts, Recipe
from lru_tune.data.manifest import SPLITS, Manifest, Provenance
from lru_tune.data.store import PreparedTask
from lru_tune.errors import ConfigError

# Parameters that follow from how many examples are made.
AMOUNTS = ("counts", "limit", "images_sha256")


def demand_leave(prepared: PreparedTask, recipe: Recipe) -> None:
    """Raise ConfigError where a recipe would lose examples of the arrays that lie there.

    The same examples and more of them may replace them. Synthetic twins may always be replaced: they are
    made in a second.
    """
    manifest = prepared.manifest
    if manifest.synthetic or _is_more_of_the_same(manifest, recipe):
        return
    differences = "; ".join(_differences(manifest.provenance, recipe.provenance))
    raise ConfigError(
        f"{prepared.folder} holds other arrays of {manifest.task} than are asked for "
        f"({differences}). Keep them and name another --data-root, "
        "or say --replace: what lies there is deleted then"
    )


def shortages(prepared: PreparedTask, expected: Counts) -> list[str]:
    """Return a line where the publisher's files gave fewer examples than the whole release has."""
    found = prepared.manifest.counts
    short = [
        f"{found[split]:,} of {expected[split]:,} {split}"
        for split in SPLITS
        if found[split] < expected[split]
    ]
    if not short:
        return []
    task = prepared.manifest.task
    return [f"warning: {task}: the files are not the whole release: {', '.join(short)} examples"]


def _is_more_of_the_same(manifest: Manifest, recipe: Recipe) -> bool:
    same = _kind(manifest.provenance) == _kind(recipe.provenance)
    grows = recipe.counts != manifest.counts and all(
        recipe.counts[split] >= manifest.counts[split] for split in SPLITS
    )
    return same and grows


def _kind(provenance: Provenance) -> Provenance:
    """Return a provenance without what says how much is made."""
    kept = {k: v for k, v in provenance.parameters.items() if k not in AMOUNTS}
    return Provenance(provenance.source, kept, provenance.seed, provenance.synthetic)


def _differences(there: Provenance, wanted: Provenance) -> list[str]:
    """Return what differs, as `name: there -> asked for`; checksums and the like by name only."""
    heads = [("source", there.source, wanted.source), ("seed", there.seed, wanted.seed)]
    names = sorted(there.parameters.keys() | wanted.parameters.keys())
    values = [(name, there.parameters.get(name), wanted.parameters.get(name)) for name in names]
    return [_difference(*value) for value in [*heads, *values] if value[1] != value[2]]


def _difference(name: str, there: Any, wanted: Any) -> str:
    if name == "counts" and isinstance(there, dict) and isinstance(wanted, dict):
        old, new = (" / ".join(f"{n:,}" for n in counts.values()) for counts in (there, wanted))
        return f"examples: {old} -> {new}"
    if "sha256" in name:
        return f"{name} differs: the files have changed"
    if isinstance(there, dict | list) or isinstance(wanted, dict | list):
        return f"{name} differs"
    return f"{name}: {there} -> {wanted}"
