"""Reading the image folders of the Long Range Arena release.

    pathfinder32/curv_contour_length_14/imgs/<batch>/sample_<i>.png
    pathfinder32/curv_contour_length_14/metadata/<batch>.npy

The metadata files are plain text in spite of their name, one line per image: folder, file name, index, label
and settings of the generator, separated by blanks.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from data_prep.fetching.long_range_arena import RELEASE, release_folders
from lru_tune.errors import DataDamaged, DataNotPrepared, Invalid

logger = logging.getLogger(__name__)

HARD = "curv_contour_length_14"
KNOWN_EMPTY = "pathfinder32/curv_baseline/imgs/0/sample_172.png"  # in the release itself
FOLDER, NAME, INDEX, LABEL = range(4)  # fields of a line of metadata
WANTED = f"pathfinder32/{HARD} (pathx: pathfinder128/{HARD}) with imgs/ and metadata/, or a parent folder"


class Sample(NamedTuple):
    """One image of the release.

    Attributes:
      path: the image file.
      label: 1 if both discs are on one contour.
      line: its line in the metadata, for people.
    """

    path: Path
    label: int
    line: str


def find_folder(folder: Path) -> Path | None:
    """Return `folder`, or the release in it, if it holds Pathfinder images of any size; else None."""
    for place in release_folders(folder):
        if any(_is_images(found) for size in ("32", "128") for found in _places(place, size)):
            return place
    return None


def images_folder(folder: Path, size: int) -> Path:
    """Return the folder with images of one size and their metadata; raise DataNotPrepared without one."""
    for place in _places(folder, str(size)):
        if _is_images(place):
            return place
    wanted = f"{WANTED}, from {RELEASE.url}"
    raise DataNotPrepared("prep.files-not-found", folder=folder, wanted=wanted)


def _places(folder: Path, size: str) -> tuple[Path, ...]:
    return folder / f"pathfinder{size}" / HARD, folder / HARD, folder


def _is_images(folder: Path) -> bool:
    return (folder / "imgs").is_dir() and (folder / "metadata").is_dir()


def metadata_files(folder: Path) -> list[Path]:
    """Return the metadata files, sorted by number; raise DataDamaged if a file has no number."""
    files = [path for path in (folder / "metadata").iterdir() if path.suffix == ".npy"]
    if not files:
        raise DataDamaged("published.no-metadata", folder=folder / "metadata")
    for path in files:
        if not path.stem.isdecimal():
            raise DataDamaged("published.metadata-name", path=path)
    return sorted(files, key=lambda path: int(path.stem))


def read_metadata(folder: Path, content: dict[Path, bytes]) -> Iterator[Sample]:
    """Yield the images that metadata list, except the one that is known to be empty.

    Args:
      folder: the folder with `imgs` and `metadata`.
      content: metadata file -> its content.

    Raises:
      DataDamaged: a line is malformed, or its image is missing or empty.
    """
    for file, raw in content.items():
        for number, line in enumerate(raw.split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                path, label = _parse(folder, line)
            except Invalid as error:
                raise DataDamaged(error.problem.at(file=str(file), line=number)) from error
            if path.as_posix().endswith(KNOWN_EMPTY):
                logger.warning("%s is skipped: it is known to be empty", path)
                continue
            sample = Sample(path, label, f"{file}:{number}")
            if not path.is_file():
                raise DataDamaged("published.image-missing", path=path, listed=sample.line)
            if path.stat().st_size == 0:
                raise DataDamaged("published.image-empty", path=path, listed=sample.line)
            yield sample


def _parse(folder: Path, line: bytes) -> tuple[Path, int]:
    """Return the image and the label in a line of metadata; raise Invalid if there is none."""
    try:
        fields = line.decode("ascii").split()
    except UnicodeDecodeError as error:
        raise Invalid("published.metadata-binary", found=line[:20]) from error
    if len(fields) <= LABEL or fields[LABEL] not in ("0", "1"):
        raise Invalid("published.metadata-line", found=" ".join(fields)[:80])
    path = folder / fields[FOLDER] / fields[NAME]
    if not path.resolve().is_relative_to(folder.resolve()):
        raise Invalid("published.metadata-outside", path=path, folder=folder)
    return path, int(fields[LABEL])


def digest_of_images(samples: Iterable[Sample]) -> str:
    """Return a sha256 of all image files in order, by which later changes are detected."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(hashlib.sha256(sample.path.read_bytes()).digest())
    return digest.hexdigest()


def read_images(size: int, samples: list[Sample]) -> np.ndarray:
    """Return images row by row, (n, size * size) uint8.

    Raises:
      DataDamaged: an image cannot be read, is not grey or has another size.
    """
    images = np.empty((len(samples), size * size), np.uint8)
    for row, sample in enumerate(samples):
        try:
            with Image.open(sample.path) as image:
                found = f"{image.width} x {image.height}, mode {image.mode}"
                fits = (image.size, image.mode) == ((size, size), "L")
                if fits:
                    images[row] = np.asarray(image).ravel()
        except (OSError, SyntaxError) as error:  # Pillow raises SyntaxError for a broken PNG
            raise DataDamaged(
                "published.image-damaged", path=sample.path, error=error, listed=sample.line
            ) from error
        if not fits:
            raise DataDamaged(
                "published.image-format",
                path=sample.path,
                size=size,
                found=found,
                listed=sample.line,
            )
    return images
