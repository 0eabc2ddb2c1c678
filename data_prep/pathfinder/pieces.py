"""Pathfinder images in pieces: each a function of its place alone, kept on disk until all are there.

A preparation that is killed goes on with the pieces that it finds.
"""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep.pathfinder.image import image_stream, paint, sketch_image
from data_prep.pathfinder.settings import Settings
from lru_tune.data.manifest import SPLITS, SplitName
from lru_tune.files.atomic import write_atomically

IMAGES_PER_PIECE = 250  # some seconds of work at most, and 4 MB at most


class Piece(NamedTuple):
    """A run of images of one split.

    Attributes:
      split: that.
      start: index of the first one.
      number: of images.
    """

    split: SplitName
    start: int
    number: int


class Images(NamedTuple):
    """Images (n, W * W), row by row, and labels (n,), both uint8."""

    images: np.ndarray
    labels: np.ndarray


def pieces(counts: dict[SplitName, int]) -> Iterator[Piece]:
    """Yield the pieces of all splits in order."""
    for split in SPLITS:
        for start in range(0, counts[split], IMAGES_PER_PIECE):
            yield Piece(split, start, min(IMAGES_PER_PIECE, counts[split] - start))


def draw_piece(settings: Settings, seed: int, piece: Piece) -> Images:
    """Draw a piece; whoever draws it and whatever else is drawn, it is the same."""
    images = np.empty((piece.number, settings.size**2), np.uint8)
    labels = np.empty(piece.number, np.uint8)
    split = SPLITS.index(piece.split)
    for row in range(piece.number):
        sketch = sketch_image(settings, image_stream(seed, split, piece.start + row))
        images[row] = paint(settings, sketch).ravel()
        labels[row] = sketch.label
    return Images(images, labels)


def keep_piece(folder: Path, settings: Settings, seed: int, piece: Piece) -> Path:
    """Return the file of a piece in a folder, made now unless it lies there whole."""
    path = folder / f"{piece.split}-{piece.start:06d}-{piece.number}.npz"
    if not _is_whole(path):
        content = io.BytesIO()
        np.savez(content, **draw_piece(settings, seed, piece)._asdict())
        write_atomically(path, content.getvalue())
    return path


def read_piece(path: Path) -> Images:
    """Read a piece."""
    with np.load(path, allow_pickle=False) as file:
        return Images(file["images"], file["labels"])


def _is_whole(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as file:
            return file.testzip() is None
    except (FileNotFoundError, zipfile.BadZipFile):
        return False
