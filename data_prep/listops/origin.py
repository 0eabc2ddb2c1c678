"""ListOps: generated from the Long Range Arena's distribution, or read from its published files.

The generator of the published files had no seed, so the files cannot be reproduced bit for bit, but their
distribution can (`language`, `trees`). Preprocessing is that of S4, S5 and minimal-LRU: parentheses removed,
"]" spelt "X", the first 2,047 tokens kept, `<eos>` appended.
"""

import functools
import hashlib
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import numpy as np

from data_prep.fetching.long_range_arena import release_folders
from data_prep.listops.encoding import build_vocabulary, decode, encode
from data_prep.listops.text import FILES, read_expressions, write_expressions
from data_prep.listops.trees import Expressions, generate_block
from data_prep.pipeline.progress import Progress
from data_prep.pipeline.recipe import SYNTHETIC_COUNTS, Counts, Origin, Recipe, Request, shrunk
from data_prep.pipeline.workers import map_in_order
from lru_tune.data.manifest import SPLITS, Provenance, SplitName, sha256_of
from lru_tune.data.store import PreparedTask
from lru_tune.data.writer import TaskWriter
from lru_tune.errors import ConfigError, DataDamaged, Invalid

COUNTS: Counts = {"train": 96_000, "val": 2_000, "test": 2_000}
ROWS_AT_ONCE = 4096  # limits the memory of encoding and decoding


def find_raw(folder: Path) -> Path | None:
    """Return the folder of the release's three files, `folder` or where the release has them; else None."""
    for place in (folder, *(place / "listops-1000" for place in release_folders(folder))):
        if all((place / file).is_file() for file in FILES.values()):
            return place
    return None


def _plan(request: Request) -> Recipe:
    if request.raw is None:
        counts = SYNTHETIC_COUNTS if request.synthetic else shrunk(COUNTS, request.limit)
        provenance = Provenance("generated", {"counts": counts}, request.seed, request.synthetic)
        return Recipe(provenance, counts)
    parameters = {
        "limit": request.limit,
        "raw_sha256": {file: sha256_of(request.raw / file) for file in FILES.values()},
    }
    source = "files of the Long Range Arena release"
    return Recipe(Provenance(source, parameters, request.seed), shrunk(COUNTS, request.limit))


def _write(request: Request, recipe: Recipe, writer: TaskWriter) -> None:
    if request.raw is None:
        splits = _generate(request, recipe.counts)
    else:
        splits = _read(request.raw, request, recipe.counts)
    writer.vocabulary = build_vocabulary(splits["train"].tokens)
    for split in SPLITS:
        for rows in _slices(len(splits[split].values)):
            part = splits[split].part(rows)
            inputs, lengths = encode(part, writer.vocabulary, request.task.max_length)
            writer.add(split, inputs, part.values, lengths)


def _read(folder: Path, request: Request, counts: Counts) -> dict[SplitName, Expressions]:
    return {
        split: read_expressions(
            folder / file,
            rows=None if request.limit is None else counts[split],
            longest=request.task.max_length - 1,  # <eos> takes the last place
            progress=request.progress,
        )
        for split, file in FILES.items()
    }


def _generate(request: Request, counts: Counts) -> dict[SplitName, Expressions]:
    """Generate distinct expressions and assign them to the splits in order."""
    expressions = _distinct(request, sum(counts.values()))
    splits: dict[SplitName, Expressions] = {}
    start = 0
    for split in SPLITS:
        splits[split] = expressions.part(slice(start, start + counts[split]))
        start += counts[split]
    return splits


def _distinct(request: Request, wanted: int) -> Expressions:
    seen: set[bytes] = set()
    pieces: list[Expressions] = []
    make = functools.partial(generate_block, request.seed)
    with closing(map_in_order(make, count(), request.workers)) as blocks:
        for block in blocks:
            fresh = _drop_seen(block, seen)
            pieces.append(fresh)
            request.progress("generating listops", min(len(seen), wanted), wanted)
            if len(seen) >= wanted:
                break
    return Expressions(*(np.concatenate(arrays) for arrays in zip(*pieces, strict=True)))


def _drop_seen(expressions: Expressions, seen: set[bytes]) -> Expressions:
    """Return the expressions not in `seen`, and add them to it."""
    fresh = np.zeros(len(expressions.lengths), bool)
    ends = np.cumsum(expressions.lengths)
    for row, (length, end) in enumerate(zip(expressions.lengths, ends, strict=True)):
        tokens = expressions.tokens[end - length : end]
        digest = hashlib.blake2b(tokens.tobytes(), digest_size=16).digest()
        fresh[row] = digest not in seen
        seen.add(digest)
    kept = expressions.tokens[np.repeat(fresh, expressions.lengths)]
    return Expressions(kept, expressions.lengths[fresh], expressions.values[fresh])


def _export(prepared: PreparedTask, folder: Path, progress: Progress) -> None:
    for split, file in FILES.items():
        arrays = prepared.split(split)
        vocabulary, lengths = prepared.manifest.vocabulary, arrays.lengths
        if vocabulary is None or lengths is None:
            raise DataDamaged("prep.no-vocabulary", folder=prepared.folder)
        pieces = (
            decode(arrays.inputs[rows], lengths[rows], arrays.targets[rows], vocabulary)
            for rows in _slices(len(lengths))
        )
        try:
            write_expressions(folder / file, pieces, len(lengths), progress)
        except Invalid as error:
            raise ConfigError("prep.cannot-export", folder=prepared.folder / split) from error


def _slices(count: int) -> Iterator[slice]:
    return (slice(start, start + ROWS_AT_ONCE) for start in range(0, count, ROWS_AT_ONCE))


ORIGIN = Origin(
    size="generated, 205 MB",
    licence="-",
    source="generated here, seeded; or the files of the LRA release",
    wanted=f"{', '.join(FILES.values())}, in the folder or its listops-1000",
    find_raw=find_raw,
    full=COUNTS,
    plan=_plan,
    write=_write,
    export=_export,
)
