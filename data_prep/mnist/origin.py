"""MNIST read pixel by pixel: `smnist` row after row, `psmnist` in bit-reversed order.

The publisher's four IDX files are read from a folder or downloaded, compared with their official checksums
and stored as raw pixels 0..255. Validation is a tenth of train, chosen by a fixed permutation.

Source: LeCun, Cortes & Burges; the order of `psmnist` is that of S5 and minimal-LRU.
"""

import gzip
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep.fetching.checksums import Source, unofficial_md5s
from data_prep.fetching.download import fetch
from data_prep.mnist.synthetic import draw_digits
from data_prep.pipeline.recipe import (
    Origin,
    Recipe,
    Request,
    carve,
    carved_counts,
    with_validation,
)
from lru_tune.data.manifest import SPLITS, Provenance
from lru_tune.data.writer import TaskWriter
from lru_tune.errors import DataDamaged

TRAIN, TEST = 60_000, 10_000
PIXELS = 28 * 28
LICENCE = "CC BY-SA 3.0"
MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"


class IdxFile(NamedTuple):
    """One of the publisher's files; some people keep it unpacked.

    Attributes:
      packed: the published .gz file.
      unpacked: its content, with the name and checksum that it has as a file.
      header_bytes: size of the header before the first pixel or label.
    """

    packed: Source
    unpacked: Source
    header_bytes: int

    def find(self, folder: Path) -> Path | None:
        """Return the packed or the unpacked file in a folder, None if there is neither."""
        paths = (folder / self.packed.file, folder / self.unpacked.file)
        return next((path for path in paths if path.is_file()), None)


def _idx_file(
    name: str, *, packed: tuple[int, str], unpacked_md5: str, header_bytes: int, content_bytes: int
) -> IdxFile:
    url = f"{MIRROR}{name}.gz"
    size, md5 = packed
    return IdxFile(
        Source(f"{name}.gz", url, LICENCE, size, md5=md5),
        Source(name, url, LICENCE, header_bytes + content_bytes, md5=unpacked_md5),
        header_bytes,
    )


FILES = {
    "train images": _idx_file(
        "train-images-idx3-ubyte",
        packed=(9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        unpacked_md5="6bbc9ace898e44ae57da46a324031adb",
        header_bytes=16,
        content_bytes=TRAIN * PIXELS,
    ),
    "train labels": _idx_file(
        "train-labels-idx1-ubyte",
        packed=(28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
        unpacked_md5="a25bea736e30d166cdddb491f175f624",
        header_bytes=8,
        content_bytes=TRAIN,
    ),
    "test images": _idx_file(
        "t10k-images-idx3-ubyte",
        packed=(1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
        unpacked_md5="2646ac647ad5339dbf082846283269ea",
        header_bytes=16,
        content_bytes=TEST * PIXELS,
    ),
    "test labels": _idx_file(
        "t10k-labels-idx1-ubyte",
        packed=(4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
        unpacked_md5="27ae3e4e09519cfbb04c329615203637",
        header_bytes=8,
        content_bytes=TEST,
    ),
}
WANTED = (
    f"{', '.join(file.packed.file for file in FILES.values())} (or unpacked), "
    "in the folder or its MNIST/raw"
)


def bit_reversal() -> np.ndarray:
    """Return the order of pixels in `psmnist`, (784,): 0..1023 by their reversed bits, those < 784 kept."""
    reversed_bits = [int(f"{place:010b}"[::-1], 2) for place in range(1024)]
    return np.array([place for place in reversed_bits if place < PIXELS])


ORDERS = {"smnist": np.arange(PIXELS), "psmnist": bit_reversal()}


def find_raw(folder: Path) -> Path | None:
    """Return which of `folder/MNIST/raw`, `folder/raw` and `folder` holds the four files, or None."""
    for place in (folder / "MNIST" / "raw", folder / "raw", folder):
        if all(file.find(place) for file in FILES.values()):
            return place
    return None


def _plan(request: Request) -> Recipe:
    counts = carved_counts(request, train=TRAIN, test=TEST)
    source = "drawn digits" if request.synthetic else "the publisher's IDX files"
    folder = None if request.synthetic else request.raw or find_raw(request.downloads)
    unofficial = {} if folder is None else _unofficial_md5s(request, folder)
    parameters = {"counts": counts, "order": request.task.name, "unofficial_md5": unofficial}
    return Recipe(Provenance(source, parameters, request.seed, request.synthetic), counts)


def _unofficial_md5s(request: Request, folder: Path) -> dict[str, str]:
    sources = {
        path: file.packed if path.name == file.packed.file else file.unpacked
        for file in FILES.values()
        if (path := file.find(folder)) is not None
    }
    command = request.accepting_command(folder)
    return unofficial_md5s(sources, command, allowed=request.allow_checksum_mismatch)


def _write(request: Request, recipe: Recipe, writer: TaskWriter) -> None:
    counts = recipe.counts
    pool = counts["train"] + counts["val"]
    if request.synthetic:
        rng = np.random.default_rng(request.seed)
        images, labels = draw_digits(rng, pool)
        test_images, test_labels = draw_digits(rng, counts["test"])
    else:
        folder = request.raw or find_raw(request.downloads) or _download(request)
        images, labels = _read(folder, "train", pool)
        test_images, test_labels = _read(folder, "test", counts["test"])
    train, val = carve(pool, request.seed)
    splits = {
        "train": (images[train], labels[train]),
        "val": (images[val], labels[val]),
        "test": (test_images, test_labels),
    }
    order = ORDERS[request.task.name]
    for number, split in enumerate(SPLITS):
        request.progress(f"writing {request.task.name}", number, len(SPLITS))
        pixels, targets = splits[split]
        writer.add(split, pixels[:, order, None], targets)


def _read(folder: Path, part: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first images (n, 784) and labels (n,) of `train` or `test`, uint8."""
    images = _content(folder, FILES[f"{part} images"]).reshape(-1, PIXELS)
    return images[:count], _content(folder, FILES[f"{part} labels"])[:count]


def _content(folder: Path, file: IdxFile) -> np.ndarray:
    """Return the bytes after a file's header."""
    path = file.find(folder) or folder / file.packed.file
    content = path.read_bytes()
    if path.name == file.packed.file:
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataDamaged("published.mnist-damaged", path=path, error=error) from error
    if len(content) != file.unpacked.bytes:
        raise DataDamaged(
            "published.mnist-size", path=path, expected=file.unpacked.bytes, found=len(content)
        )
    return np.frombuffer(content, np.uint8, offset=file.header_bytes)


def _download(request: Request) -> Path:
    """Download the four files into `MNIST/raw` of the downloads, those that are missing."""
    folder = request.downloads / "MNIST" / "raw"
    for file in FILES.values():
        fetch(file.packed, folder, request.progress)
    return folder


ORIGIN = Origin(
    size="12 MB to download, 55 MB prepared",
    licence=LICENCE,
    source=MIRROR,
    wanted=WANTED,
    find_raw=find_raw,
    full=with_validation(TRAIN, TEST),
    plan=_plan,
    write=_write,
    addresses=(FILES["train images"].packed.url,),
)
