"""CIFAR-10 read pixel by pixel, row after row: `scifar` in colour, `cifar-gray` in grey.

Images come from the publisher's python batches or from the copy on the Hugging Face Hub and are stored as
raw values 0..255; the network normalises them. Grey is the luma that Pillow computes, as in Long Range
Arena's loaders. Validation is a tenth of train, chosen by a fixed seed.

Source: Krizhevsky 2009; Tay et al. 2021.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from data_prep.cifar.batches import IMAGES, Batch
from data_prep.cifar.sources import (
    ARCHIVE,
    FILES,
    HUB,
    LICENCE,
    SOURCES,
    WANTED,
    Part,
    fetch_batches,
    fetch_from_hub,
    find_raw,
    only_hub_is_available,
    read_batches,
)
from data_prep.cifar.synthetic import draw_shapes
from data_prep.fetching.checksums import unofficial_md5s
from data_prep.fetching.hugging_face import hub_page
from data_prep.pipeline.recipe import (
    Origin,
    Recipe,
    Request,
    Requirement,
    carve,
    carved_counts,
    with_validation,
)
from lru_tune.data.manifest import Provenance, SplitName
from lru_tune.data.writer import TaskWriter

TRAIN, TEST = (IMAGES * len(FILES[part]) for part in ("train", "test"))
SIDE = 32

PUBLISHED = "the publisher's python batches"
COPIED = f"{HUB} on the Hugging Face Hub"
DRAWN = "drawn shapes"


def colour_pixels(images: np.ndarray) -> np.ndarray:
    """Return planes of colour (n, 3072) as pixels (n, 1024, 3) of red, green and blue, uint8."""
    return np.ascontiguousarray(images.reshape(len(images), 3, SIDE * SIDE).transpose(0, 2, 1))


def grey_pixels(images: np.ndarray) -> np.ndarray:
    """Return planes of colour (n, 3072) as pixels (n, 1024, 1) of Pillow's luma, uint8.

    Luma is 0.299 R + 0.587 G + 0.114 B, rounded by Pillow.
    """
    from PIL import Image  # late, so that `doctor` can report that it is missing

    column = colour_pixels(images).reshape(len(images) * SIDE, SIDE, 3)
    grey = np.asarray(Image.fromarray(column).convert("L"))
    return grey.reshape(len(images), SIDE * SIDE, 1)


PIXELS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "scifar": ("RGB", colour_pixels),
    "cifar-gray": ("luma", grey_pixels),
}


def _plan(request: Request) -> Recipe:
    counts = carved_counts(request, train=TRAIN, test=TEST)
    folder = _folder(request)
    parameters = {
        "counts": counts,
        "pixels": PIXELS[request.task.name][0],
        "unofficial_md5": {} if folder is None else _unofficial_md5s(folder, request),
    }
    provenance = Provenance(_source(request), parameters, request.seed, request.synthetic)
    return Recipe(provenance, counts)


def _folder(request: Request) -> Path | None:
    """Return the folder of the publisher's batches; None if they must be downloaded or drawn."""
    return None if request.synthetic else request.raw or find_raw(request.downloads)


def _source(request: Request) -> str:
    if request.synthetic:
        return DRAWN
    return COPIED if _folder(request) is None and only_hub_is_available() else PUBLISHED


def _unofficial_md5s(folder: Path, request: Request) -> dict[str, str]:
    sources = {folder / name: source for name, source in SOURCES.items()}
    command = request.accepting_command(folder)
    return unofficial_md5s(sources, command, allowed=request.allow_checksum_mismatch)


def _write(request: Request, recipe: Recipe, writer: TaskWriter) -> None:
    counts = recipe.counts
    pool = counts["train"] + counts["val"]
    train, val = carve(pool, request.seed)
    batches = _batches(request, recipe)
    _deal(batches("train"), {"train": train, "val": val}, pool, request, writer)
    _deal(batches("test"), {"test": np.arange(counts["test"])}, counts["test"], request, writer)


def _batches(request: Request, recipe: Recipe) -> Callable[[Part], Iterator[Batch]]:
    """Return a function that yields the batches of a part."""
    source = recipe.provenance.source
    if source == DRAWN:
        rng = np.random.default_rng(request.seed)
        counts = recipe.counts
        images = {"train": counts["train"] + counts["val"], "test": counts["test"]}
        return lambda part: iter([Batch(*draw_shapes(rng, images[part]))])
    if source == COPIED:
        return lambda part: fetch_from_hub(part, request.downloads)
    folder = _folder(request) or fetch_batches(request.downloads, request.progress)
    return lambda part: read_batches(folder, part)


def _deal(
    batches: Iterator[Batch],
    chosen: dict[SplitName, np.ndarray],
    wanted: int,
    request: Request,
    writer: TaskWriter,
) -> None:
    """Write the first `wanted` images, batch by batch, to the splits; `chosen` has their indices."""
    _, encode = PIXELS[request.task.name]
    first = 0
    for images, labels in batches:
        for split, rows in chosen.items():
            here = rows[(rows >= first) & (rows < first + len(labels))] - first
            if len(here):
                writer.add(split, encode(images[here]), labels[here])
        first += len(labels)
        request.progress(f"writing {request.task.name}", min(first, wanted), wanted)
        if first >= wanted:
            break


ORIGIN = Origin(
    size="170 MB to download, 62 or 185 MB prepared",
    licence=LICENCE,
    source=f"{ARCHIVE.url}, {HUB} on Hugging Face",
    wanted=WANTED,
    find_raw=find_raw,
    full=with_validation(TRAIN, TEST),
    plan=_plan,
    write=_write,
    addresses=(ARCHIVE.url, hub_page(HUB)),
    requirements=(
        Requirement(("PIL",), "turn colour into grey"),
        Requirement(("torchvision", "datasets"), "download CIFAR-10", only_to_download=True),
    ),
)
