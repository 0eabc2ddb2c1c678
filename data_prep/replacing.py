"""What may replace arrays that lie there already, and whether what was read is whole.

More of the same may replace them; anything else only when asked for.
"""

from data_prep.origin import Counts, Recipe
from lru_tune.data.manifest import SPLITS, Manifest, Provenance
from lru_tune.data.store import PreparedTask
from lru_tune.errors import ConfigError

# Parameters that say how many examples are made, and nothing of what they are.
AMOUNTS = ("counts", "limit")


def demand_leave(prepared: PreparedTask, recipe: Recipe) -> None:
    """Raise ConfigError where a recipe would lose examples of the arrays that lie there.

    The same examples and more of them may replace them. Synthetic twins may always be replaced: they are
    made in a second.
    """
    manifest = prepared.manifest
    if manifest.synthetic or _is_more_of_the_same(manifest, recipe):
        return
    raise ConfigError(
        f"{prepared.folder} holds other arrays of {manifest.task} than are asked for "
        f"({'; '.join(_differences(manifest, recipe))}). Keep them and name another --data-root, "
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
    return same and all(recipe.counts[split] >= manifest.counts[split] for split in SPLITS)


def _kind(provenance: Provenance) -> Provenance:
    """Return a provenance without what says how much is made."""
    kept = {k: v for k, v in provenance.parameters.items() if k not in AMOUNTS}
    return Provenance(provenance.source, kept, provenance.seed, provenance.synthetic)


def _differences(manifest: Manifest, recipe: Recipe) -> list[str]:
    """Return what differs, as `name: there -> asked for`; long values by name only."""
    there, wanted = manifest.provenance, recipe.provenance
    told = []
    if there.source != wanted.source:
        told.append(f"source: {there.source} -> {wanted.source}")
    if there.seed != wanted.seed:
        told.append(f"seed: {there.seed} -> {wanted.seed}")
    told += [
        f"{split}: {manifest.counts[split]:,} -> {recipe.counts[split]:,} examples"
        for split in SPLITS
        if manifest.counts[split] != recipe.counts[split]
    ]
    for name in sorted((there.parameters.keys() | wanted.parameters.keys()) - set(AMOUNTS)):
        old, new = there.parameters.get(name), wanted.parameters.get(name)
        if old != new:
            plain = not isinstance(old, dict | list) and not isinstance(new, dict | list)
            told.append(f"{name}: {old} -> {new}" if plain else f"{name} differs")
    return told
