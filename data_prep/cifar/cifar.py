"""CIFAR-10 read pixel by pixel, row after row: `scifar` in colour, `cifar-gray` in grey.

Images come from the publisher's python batches or from their copy on the Hugging Face Hub (see
`cifar_sources`) and are stored as raw values 0..255; the network normalises them. Grey is the luma that
Pillow computes, as in Long Range Arena's loaders. Validation is a tenth of train, chosen by a fixed seed.

Source: Krizhevsky 2009; Tay et al. 2021.
"""

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from data_prep.cifar.batches import IMAGES, Batch
from data_prep.cifar.sources import (
    ARCHIVE,
    BATCHES,
    FILES,
    HUB,
    LICENCE,
    MD5,
    WANTED,
    Part,
    fetch_batches,
    fetch_from_hub,
    find_raw,
    hub_is_the_only_way,
    read_batches,
)
from data_prep.cifar.synthetic import draw_shapes
from data_prep.fetching.download import md5_of
from data_prep.pipeline.origin import (
    Origin,
    Recipe,
    Request,
    carve,
    carved_counts,
    with_validation,
)
from lru_tune.data.manifest import Provenance, SplitName, prepare_command
from lru_tune.data.writer import TaskWriter
from lru_tune.errors import DataDamaged

TRAIN, TEST = (IMAGES * len(FILES[part]) for part in ("train", "test"))
SIDE = 32

PUBLISHED = "the publisher's python batches"
COPIED = f"{HUB} on the Hugging Face Hub"
DRAWN = "drawn shapes"


def colour_pixels(images: np.ndarray) -> np.ndarray:
    """Turn planes (n, 3072) into pixels (n, 1024, 3) of red, green and blue, uint8."""
    return np.ascontiguousarray(images.reshape(len(images), 3, SIDE * SIDE).transpose(0, 2, 1))


def grey_pixels(images: np.ndarray) -> np.ndarray:
    """Turn planes (n, 3072) into pixels (n, 1024, 1) of Pillow's luma, 0.299 R + 0.587 G + 0.114 B."""
    from PIL import Image  # here, so that `doctor` runs and tells where it is missing

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
        "unofficial_md5": {} if folder is None else _unofficial(folder, request),
    }
    provenance = Provenance(_source(request), parameters, request.seed, request.synthetic)
    return Recipe(provenance, counts)


def _folder(request: Request) -> Path | None:
    """Return where the publisher's batches lie; None where they must be fetched or drawn."""
    return None if request.synthetic else request.raw or find_raw(request.downloads)


def _source(request: Request) -> str:
    if request.synthetic:
        return DRAWN
    return COPIED if _folder(request) is None and hub_is_the_only_way() else PUBLISHED


def _unofficial(folder: Path, request: Request) -> dict[str, str]:
    """Return the md5 of each batch that has another one than the publisher's.

    Raises:
      DataDamaged: there are some, and the request does not allow for it.
    """
    found = {name: md5_of(folder / name) for name in BATCHES}
    unofficial = {name: md5 for name, md5 in found.items() if md5 != MD5[name]}
    if not unofficial or request.allow_checksum_mismatch:
        return unofficial
    name, md5 = next(iter(unofficial.items()))
    command = prepare_command(request.task.name, request.downloads.parent)
    limit = "" if request.limit is None else f" --limit {request.limit}"
    raise DataDamaged(
        f"{folder / name} has md5 {md5}, the publisher's has {MD5[name]} "
        f"(so with {len(unofficial)} of {len(found)} batches). "
        f"Unpack {ARCHIVE.file} from {ARCHIVE.url} again, or take them as they are, on record in the "
        f"manifest:  {command} --from-dir {shlex.quote(str(folder))}{limit} --allow-checksum-mismatch"
    )


def _write(request: Request, recipe: Recipe, writer: TaskWriter) -> None:
    counts = recipe.counts
    pool = counts["train"] + counts["val"]
    train, val = carve(pool, request.seed)
    batches = _batches(request, recipe)
    _deal(batches("train"), {"train": train, "val": val}, pool, request, writer)
    _deal(batches("test"), {"test": np.arange(counts["test"])}, counts["test"], request, writer)


def _batches(request: Request, recipe: Recipe) -> Callable[[Part], Iterator[Batch]]:
    """Return a function that yields the batches of a part, from wherever they are to come."""
    source = recipe.provenance.source
    if source == DRAWN:
        rng = np.random.default_rng(request.seed)
        counts = recipe.counts
        images = {"train": counts["train"] + counts["val"], "test": counts["test"]}
        return lambda part: iter([Batch(*draw_shapes(rng, images[part]))])
    if source == COPIED:
        cache = request.downloads / "huggingface"
        return lambda part: fetch_from_hub(part, cache)
    folder = _folder(request) or fetch_batches(request.downloads, request.progress)
    return lambda part: read_batches(folder, part)


def _deal(
    batches: Iterator[Batch],
    chosen: dict[SplitName, np.ndarray],
    wanted: int,
    request: Request,
    writer: TaskWriter,
) -> None:
    """Write the first `wanted` images, batch by batch, to the splits whose rising indices name them."""
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
    size="170 MB to fetch, 62 or 185 MB prepared",
    licence=LICENCE,
    source=f"{ARCHIVE.url}, {HUB} on Hugging Face",
    wanted=WANTED,
    find_raw=find_raw,
    full=with_validation(TRAIN, TEST),
    plan=_plan,
    write=_write,
)
