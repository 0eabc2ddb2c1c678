"""MNIST read pixel by pixel: `smnist` row after row, `psmnist` in bit-reversed order.

The publisher's four IDX files are taken from a folder or fetched, checked against their official
checksums and stored as raw pixels 0..255. Validation is a tenth of train, chosen by a fixed permutation.

Source: LeCun, Cortes & Burges; the order of `psmnist` is that of S5 and minimal-LRU.
"""

import gzip
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep.fetching.download import fetch, md5_of
from data_prep.mnist.synthetic import draw_digits
from data_prep.pipeline.origin import (
    Origin,
    Recipe,
    Request,
    Source,
    carve,
    carved_counts,
    with_validation,
)
from lru_tune.data.manifest import SPLITS, Provenance
from lru_tune.data.writer import TaskWriter
from lru_tune.errors import DataDamaged, DataNotPrepared

TRAIN, TEST = 60_000, 10_000
PIXELS = 28 * 28


class IdxFile(NamedTuple):
    """One of the publisher's files, which may lie unpacked as well.

    Attributes:
      name: without `.gz`.
      packed_bytes: size of the compressed file.
      packed_md5: the official checksum, of the compressed file.
      md5: of its content.
      bytes: size of its content.
      header_bytes: before the first pixel or label.
    """

    name: str
    packed_bytes: int
    packed_md5: str
    md5: str
    bytes: int
    header_bytes: int


class Labelled(NamedTuple):
    """Images (n, 784) and labels (n,), both uint8."""

    images: np.ndarray
    labels: np.ndarray


FILES = {
    "train images": IdxFile(
        "train-images-idx3-ubyte",
        9_912_422,
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "6bbc9ace898e44ae57da46a324031adb",
        16 + TRAIN * PIXELS,
        16,
    ),
    "train labels": IdxFile(
        "train-labels-idx1-ubyte",
        28_881,
        "d53e105ee54ea40749a09fcbcd1e9432",
        "a25bea736e30d166cdddb491f175f624",
        8 + TRAIN,
        8,
    ),
    "test images": IdxFile(
        "t10k-images-idx3-ubyte",
        1_648_877,
        "9fb629c4189551a2d022fa330f9573f3",
        "2646ac647ad5339dbf082846283269ea",
        16 + TEST * PIXELS,
        16,
    ),
    "test labels": IdxFile(
        "t10k-labels-idx1-ubyte",
        4_542,
        "ec29112dd5afa0611ce80d1b7f02629c",
        "27ae3e4e09519cfbb04c329615203637",
        8 + TEST,
        8,
    ),
}
MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
SOURCES = tuple(
    Source(
        file=f"{file.name}.gz",
        url=f"{MIRROR}{file.name}.gz",
        licence="CC BY-SA 3.0",
        bytes=file.packed_bytes,
        md5=file.packed_md5,
    )
    for file in FILES.values()
)
WANTED = ", ".join(source.file for source in SOURCES) + " (or unpacked), here or in MNIST/raw"


def bit_reversal() -> np.ndarray:
    """Return the order of pixels in `psmnist`: 0..1023 by reversed bits, those below 784 kept."""
    reversed_bits = [int(f"{place:010b}"[::-1], 2) for place in range(1024)]
    return np.array([place for place in reversed_bits if place < PIXELS])


ORDERS = {"smnist": np.arange(PIXELS), "psmnist": bit_reversal()}


def find_raw(folder: Path) -> Path | None:
    """Return which of `folder/MNIST/raw`, `folder/raw` and `folder` holds the four files, or None."""
    for place in (folder / "MNIST" / "raw", folder / "raw", folder):
        if all(_lying(place, file) for file in FILES.values()):
            return place
    return None


def _lying(folder: Path, file: IdxFile) -> Path | None:
    for path in (folder / f"{file.name}.gz", folder / file.name):
        if path.is_file():
            return path
    return None


def _plan(request: Request) -> Recipe:
    counts = carved_counts(request, train=TRAIN, test=TEST)
    source = "drawn digits" if request.synthetic else "the publisher's IDX files"
    parameters = {
        "counts": counts,
        "order": request.task.name,
        "unofficial_md5": _unofficial(request) if request.allow_checksum_mismatch else {},
    }
    return Recipe(Provenance(source, parameters, request.seed, request.synthetic), counts)


def _write(request: Request, recipe: Recipe, writer: TaskWriter) -> None:
    counts = recipe.counts
    pool = counts["train"] + counts["val"]
    if request.synthetic:
        rng = np.random.default_rng(request.seed)
        known = Labelled(*draw_digits(rng, pool))
        test = Labelled(*draw_digits(rng, counts["test"]))
    else:
        folder = request.raw or find_raw(request.downloads) or _download(request)
        unofficial = recipe.provenance.parameters["unofficial_md5"]
        known = _read(folder, "train", pool, unofficial)
        test = _read(folder, "test", counts["test"], unofficial)
    train, val = carve(pool, request.seed)
    chosen = {"train": _take(known, train), "val": _take(known, val), "test": test}
    order = ORDERS[request.task.name]
    for number, split in enumerate(SPLITS):
        request.progress(f"writing {request.task.name}", number, len(SPLITS))
        images, labels = chosen[split]
        writer.add(split, images[:, order, None], labels)


def _take(examples: Labelled, rows: np.ndarray) -> Labelled:
    return Labelled(examples.images[rows], examples.labels[rows])


def _read(folder: Path, part: str, count: int, unofficial: Mapping[str, str]) -> Labelled:
    images = _content(folder, FILES[f"{part} images"], unofficial).reshape(-1, PIXELS)
    return Labelled(images[:count], _content(folder, FILES[f"{part} labels"], unofficial)[:count])


def _unofficial(request: Request) -> dict[str, str]:
    """Return the md5 of each file that lies there and has another one than the publisher's."""
    folder = None if request.synthetic else request.raw or find_raw(request.downloads)
    if folder is None:
        return {}
    paths = {_path(folder, file): file for file in FILES.values()}
    found = {path: md5_of(path) for path in paths}
    return {path.name: md5 for path, md5 in found.items() if md5 != _official(path, paths[path])}


def _official(path: Path, file: IdxFile) -> str:
    return file.packed_md5 if path.suffix == ".gz" else file.md5


def _content(folder: Path, file: IdxFile, unofficial: Mapping[str, str]) -> np.ndarray:
    """Return the bytes behind the header of a file whose checksum is right, or known to be another."""
    path = _path(folder, file)
    found, expected = md5_of(path), _official(path, file)
    content = path.read_bytes()
    if found != expected and path.name not in unofficial:
        page = " It holds a web page." if content.lstrip()[:1] == b"<" else ""
        raise DataDamaged(
            f"{path} has md5 {found}, the publisher's has {expected}.{page} "
            f"Delete it and fetch it again from {MIRROR}{file.name}.gz, or take it as it is, on "
            "record in the manifest, with --allow-checksum-mismatch"
        )
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataDamaged(f"{path} cannot be unpacked: {error}") from error
    if len(content) != file.bytes:
        raise DataDamaged(f"{path}: {file.bytes:,} bytes unpacked expected, got {len(content):,}")
    return np.frombuffer(content, np.uint8, offset=file.header_bytes)


def _path(folder: Path, file: IdxFile) -> Path:
    path = _lying(folder, file)
    if path is None:
        raise DataNotPrepared(f"{folder / file.name}.gz is missing. Wanted: {WANTED}")
    return path


def _download(request: Request) -> Path:
    """Fetch the four files into `MNIST/raw` of the downloads; those that are there are kept."""
    folder = request.downloads / "MNIST" / "raw"
    for source in SOURCES:
        fetch(source, folder, request.progress)
    return folder


ORIGIN = Origin(
    size="12 MB to fetch, 55 MB prepared",
    licence=SOURCES[0].licence,
    source=MIRROR,
    wanted=WANTED,
    find_raw=find_raw,
    full=with_validation(TRAIN, TEST),
    plan=_plan,
    write=_write,
)
