"""Pathfinder and Path-X: are two discs on the same contour? Generated, or the release's images.

The published images were drawn without a seed and cannot be reproduced; `image` draws from the same
distribution. The difficulty is the hard one of Long Range Arena, as in S4, S5 and minimal-LRU: contours of 14
segments, images of 32 x 32 (`pathfinder`) and 128 x 128 pixels (`pathx`), read row by row.
"""

import dataclasses
import functools
import hashlib
import json
import math
import shutil
from contextlib import closing
from pathlib import Path

import numpy as np

from data_prep.pathfinder.folders import (
    WANTED,
    Sample,
    digest_of_images,
    find_folder,
    images_folder,
    metadata_files,
    read_images,
    read_metadata,
)
from data_prep.pathfinder.settings import SETTINGS, Settings
from data_prep.pipeline.recipe import (
    SYNTHETIC_COUNTS,
    Counts,
    Origin,
    Recipe,
    Request,
    Requirement,
    shrunk,
)
from data_prep.pipeline.workers import map_in_order
from lru_tune.data.manifest import SPLITS, Provenance, SplitName
from lru_tune.data.writer import TaskWriter
from lru_tune.errors import ConfigError, DataDamaged

COUNTS: Counts = {"train": 160_000, "val": 20_000, "test": 20_000}
ALGORITHM = 1  # increase it when the same seed draws other images
MOST_DISTRACTORS = 100
HELD_OUT_SHARE = 0.1  # of the release's images for val, and for test
IMAGES_AT_ONCE = 500


def _plan(request: Request) -> Recipe:
    settings = _settings(request)
    if request.raw is not None:
        return _plan_release(request, request.raw, settings)
    counts = SYNTHETIC_COUNTS if request.synthetic else shrunk(COUNTS, request.limit)
    parameters = {"counts": counts, "algorithm": ALGORITHM, **settings.as_parameters()}
    return Recipe(Provenance("generated", parameters, request.seed, request.synthetic), counts)


def _settings(request: Request) -> Settings:
    settings = SETTINGS[math.isqrt(request.task.max_length)]
    distractors = request.options.get("distractors", settings.distractors)
    if not 0 <= distractors <= MOST_DISTRACTORS:
        raise ConfigError(
            "prep.option-range",
            key="--option distractors",
            most=MOST_DISTRACTORS,
            value=distractors,
        )
    return dataclasses.replace(settings, distractors=distractors)


def _plan_release(request: Request, raw: Path, settings: Settings) -> Recipe:
    if request.options:
        raise ConfigError("prep.option-of-generator", key="--option")
    folder = images_folder(raw, settings.size)
    content = _metadata(folder)
    samples = list(read_metadata(folder, content))
    held_out = int(HELD_OUT_SHARE * len(samples))
    if held_out == 0:
        raise DataDamaged("published.few-images", folder=folder, found=len(samples))
    full: Counts = {"train": len(samples) - 2 * held_out, "val": held_out, "test": held_out}
    counts = shrunk(full, request.limit)
    chosen = [sample for part in _assign(samples, counts, request.seed).values() for sample in part]
    digests = {path.name: hashlib.sha256(raw).hexdigest() for path, raw in content.items()}
    parameters = {
        "counts": counts,
        "size": settings.size,
        "difficulty": folder.name,
        "metadata_sha256": digests,
        "images_sha256": digest_of_images(chosen),
        "splits": "a permutation by the seed, 80/10/10",
    }
    source = "images of the Long Range Arena release"
    return Recipe(Provenance(source, parameters, request.seed), counts)


def _assign(samples: list[Sample], counts: Counts, seed: int) -> dict[SplitName, list[Sample]]:
    """Assign the release's images to the splits, and return the first `counts` of each."""
    order = np.random.default_rng(seed).permutation(len(samples)).tolist()
    held_out = int(HELD_OUT_SHARE * len(samples))
    starts = {"train": 0, "val": len(samples) - 2 * held_out, "test": len(samples) - held_out}
    return {
        split: [samples[row] for row in order[starts[split] : starts[split] + counts[split]]]
        for split in SPLITS
    }


def _metadata(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in metadata_files(folder)}


def _write(request: Request, recipe: Recipe, writer: TaskWriter) -> None:
    if request.raw is None:
        _generate(request, recipe, writer)
    else:
        _read(request, request.raw, recipe, writer)


def _generate(request: Request, recipe: Recipe, writer: TaskWriter) -> None:
    # Imported late, because the compiler takes a second to load.
    from data_prep.pathfinder.pieces import keep_piece, pieces, read_piece

    settings, name, total = _settings(request), request.task.name, sum(recipe.counts.values())
    folder = _parts_folder(request, settings)
    todo = list(pieces(recipe.counts))
    make = functools.partial(keep_piece, folder, settings, request.seed)
    done = 0
    request.progress(f"generating {name}", done, total)
    with closing(map_in_order(make, todo, request.workers)) as paths:
        for piece, path in zip(todo, paths, strict=True):
            images, labels = read_piece(path)
            writer.add(piece.split, images[:, :, None], labels)
            done += piece.number
            request.progress(f"generating {name}", done, total)
    shutil.rmtree(folder)


def _parts_folder(request: Request, settings: Settings) -> Path:
    """Return the folder for pieces, beside the task's; requests that differ only in the limit share it."""
    key = json.dumps([settings.as_parameters(), ALGORITHM, request.seed]).encode()
    digest = hashlib.sha256(key).hexdigest()[:12]
    return request.folder / f".{request.task.name}.parts-{digest}"


def _read(request: Request, raw: Path, recipe: Recipe, writer: TaskWriter) -> None:
    size, name = recipe.provenance.parameters["size"], request.task.name
    folder = images_folder(raw, size)
    samples = list(read_metadata(folder, _metadata(folder)))
    total, done = sum(recipe.counts.values()), 0
    read = functools.partial(read_images, size)
    for split, chosen in _assign(samples, recipe.counts, request.seed).items():
        batches = [
            chosen[start : start + IMAGES_AT_ONCE]
            for start in range(0, len(chosen), IMAGES_AT_ONCE)
        ]
        with closing(map_in_order(read, batches, request.workers)) as read_batches:
            for batch, images in zip(batches, read_batches, strict=True):
                labels = np.array([sample.label for sample in batch], np.uint8)
                writer.add(split, images[:, :, None], labels)
                done += len(batch)
                request.progress(f"reading {name}", done, total)


ORIGIN = Origin(
    size="generated, 205 MB (pathx 3.3 GB)",
    licence="-",
    source="generated here, seeded; or the images of the LRA release",
    wanted=WANTED,
    find_raw=find_folder,
    full=COUNTS,
    plan=_plan,
    write=_write,
    slow=True,
    requirements=(
        Requirement(("numba",), "compile the generator of Pathfinder"),
        Requirement(("PIL",), "draw and read images"),
    ),
    options={"distractors": "short contours besides the two long ones (5; pathx 8)"},
)
