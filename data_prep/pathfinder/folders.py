"""Reading the image folders of the Long Range Arena release.

    pathfinder32/curv_contour_length_14/imgs/<batch>/sample_<i>.png
    pathfinder32/curv_contour_length_14/metadata/<batch>.npy

The metadata are plain text in spite of their name, one line an image: folder, file name, index, label, and
settings of the generator, separated by blanks.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from lru_tune.errors import DataDamaged, DataNotPrepared

logger = logging.getLogger(__name__)

HARD = "curv_contour_length_14"
KNOWN_EMPTY = "pathfinder32/curv_baseline/imgs/0/sample_172.png"  # as it is in the release
FOLDER, NAME, INDEX, LABEL = range(4)  # fields of a line of metadata
WANTED = f"pathfinder32/{HARD} (pathx: pathfinder128/{HARD}) with imgs/ and metadata/, or a parent"


class Sample(NamedTuple):
    """One image of the release.

    Attributes:
      path: of the image.
      label: 1 if both discs lie on one contour.
      line: where the metadata name it, for people.
    """

    path: Path
    label: int
    line: str


def find_folder(folder: Path) -> Path | None:
    """Return `folder`, or the release within it, where that holds Pathfinder images of any size."""
    for place in (folder, folder / "lra_release", folder / "lra_release" / "lra_release"):
        if any(_is_images(found) for size in ("32", "128") for found in _places(place, size)):
            return place
    return None


def images_folder(folder: Path, size: int) -> Path:
    """Return the folder with `imgs` and `metadata` of one size.

    Raises:
      DataNotPrepared: there is none.
    """
    for place in _places(folder, str(size)):
        if _is_images(place):
            return place
    raise DataNotPrepared(
        f"{folder} does not hold pathfinder{size}/{HARD}. Wanted: {WANTED}. It is part of the release "
        "https://storage.googleapis.com/long-range-arena/lra_release.gz"
    )


def _places(folder: Path, size: str) -> tuple[Path, ...]:
    return folder / f"pathfinder{size}" / HARD, folder / HARD, folder


def _is_images(folder: Path) -> bool:
    return (folder / "imgs").is_dir() and (folder / "metadata").is_dir()


def metadata_files(folder: Path) -> list[Path]:
    """Return the metadata files in the order of their numbers.

    Raises:
      DataDamaged: there are none, or one whose name is not a number.
    """
    files = [path for path in (folder / "metadata").iterdir() if path.suffix == ".npy"]
    if not files:
        raise DataDamaged(f"{folder / 'metadata'} holds no <batch>.npy; unpack the release again")
    for path in files:
        if not path.stem.isdecimal():
            raise DataDamaged(f"{path}: a file <number>.npy expected; remove it")
    return sorted(files, key=lambda path: int(path.stem))


def read_metadata(folder: Path, content: dict[Path, bytes]) -> Iterator[Sample]:
    """Yield the images that metadata name, without those that are known to be empty.

    Args:
      folder: with `imgs` and `metadata`.
      content: of each metadata file.

    Raises:
      DataDamaged: a line is malformed, or its image is missing or empty.
    """
    for file, raw in content.items():
        for number, line in enumerate(raw.split(b"\n"), 1):
            if line.strip():
                sample = _sample(folder, f"{file}, line {number}", line)
                if not sample.path.as_posix().endswith(KNOWN_EMPTY):
                    _check_file(sample)
                    yield sample
                else:
                    logger.warning("%s is skipped: it is known to be empty", sample.path)


def _sample(folder: Path, place: str, raw: bytes) -> Sample:
    try:
        fields = raw.decode("ascii").split()
    except UnicodeDecodeError as error:
        raise DataDamaged(
            f"{place}: plain text expected, got {raw[:20]!r}. Unpack the release again"
        ) from error
    if len(fields) <= LABEL or fields[LABEL] not in ("0", "1"):
        raise DataDamaged(
            f"{place}: 'imgs/<batch> sample_<i>.png <i> <label 0 or 1> ...' expected, "
            f"got {' '.join(fields)[:80]!r}. Unpack the release again"
        )
    path = folder / fields[FOLDER] / fields[NAME]
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DataDamaged(f"{place}: it names {path}, which is outside {folder}")
    return Sample(path, int(fields[LABEL]), place)


def _check_file(sample: Sample) -> None:
    try:
        size = sample.path.stat().st_size
    except FileNotFoundError as error:
        raise DataDamaged(f"{sample.path} is missing, named by {sample.line}") from error
    if size == 0:
        raise DataDamaged(f"{sample.path} is empty, named by {sample.line}. Unpack it again")


def digest_of_images(samples: Iterable[Sample]) -> str:
    """Return a sha256 of the files of images, in their order, so that a later change is noticed."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(hashlib.sha256(sample.path.read_bytes()).digest())
    return digest.hexdigest()


def read_images(size: int, samples: list[Sample]) -> np.ndarray:
    """Read images row by row, (n, size * size) uint8.

    Raises:
      DataDamaged: one cannot be read, is not grey or has another size.
    """
    images = np.empty((len(samples), size * size), np.uint8)
    for row, sample in enumerate(samples):
        try:
            with Image.open(sample.path) as image:
                found = f"{image.width} x {image.height}, mode {image.mode}"
                fits = (image.size, image.mode) == ((size, size), "L")
                if fits:
                    images[row] = np.asarray(image).ravel()
        except (OSError, SyntaxError) as error:  # the latter is Pillow's word for a broken PNG
            raise DataDamaged(
                f"{sample.path} is not a whole image: {error}. It is named by {sample.line}. "
                "Unpack it again"
            ) from error
        if not fits:
            raise DataDamaged(
                f"{sample.path}: {size} x {size}, mode L expected, got {found}. "
                f"It is named by {sample.line}"
            )
    return images
