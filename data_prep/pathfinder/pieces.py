"""Pathfinder images in pieces, kept on disk until all are complete.

A piece depends on the seed, its split and its index only, so a preparation that was killed continues with
the pieces on disk.
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

IMAGES_PER_PIECE = 250  # at most a few seconds of work and 4 MB


class Piece(NamedTuple):
    """Consecutive images of one split.

    Attributes:
      split: the split.
      start: index of the first image.
      number: number of images.
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
    """Draw a piece; the result depends on the arguments only."""
    images = np.empty((piece.number, settings.size**2), np.uint8)
    labels = np.empty(piece.number, np.uint8)
    split = SPLITS.index(piece.split)
    for row in range(piece.number):
        sketch = sketch_image(settings, image_stream(seed, split, piece.start + row))
        images[row] = paint(settings, sketch).ravel()
        labels[row] = sketch.label
    return Images(images, labels)


def keep_piece(folder: Path, settings: Settings, seed: int, piece: Piece) -> Path:
    """Return the file of a piece in a folder; draw it unless the file is complete."""
    path = folder / f"{piece.split}-{piece.start:06d}-{piece.number}.npz"
    if not _is_complete(path):
        content = io.BytesIO()
        np.savez(content, **draw_piece(settings, seed, piece)._asdict())
        write_atomically(path, content.getvalue())
    return path


def read_piece(path: Path) -> Images:
    """Read the file of a piece."""
    with np.load(path, allow_pickle=False) as file:
        return Images(file["images"], file["labels"])


def _is_complete(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as file:
            return file.testzip() is None
    except (FileNotFoundError, zipfile.BadZipFile):
        return False
