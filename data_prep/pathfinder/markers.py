"""The two discs of a Pathfinder image, pasted from stamps that are drawn once."""

import functools
import math

import numpy as np

from data_prep.pathfinder.settings import Settings
from data_prep.pathfinder.stamps import FULL, draw_marker

LANCZOS_REACH = 3  # pixels of the smaller image


def paint_markers(settings: Settings, centres: np.ndarray) -> np.ndarray:
    """Return a picture of discs, (W, W) float64 in 0..1; centres are (n, 2) int64, y and x."""
    size, border = settings.size, _border(settings)
    padded = np.zeros((size + 2 * border, size + 2 * border), np.uint8)
    for y, x in centres.tolist():
        stamp = _stamps(settings)[_zone(y, size, border), _zone(x, size, border)]
        place = padded[y : y + len(stamp), x : x + len(stamp)]
        np.maximum(place, stamp, out=place)
    picture: np.ndarray = padded[border : border + size, border : border + size] / FULL
    return picture


def _border(settings: Settings) -> int:
    """Return the distance from a side, in pixels, within which the side changes how a marker looks."""
    return math.ceil(settings.marker_radius) + LANCZOS_REACH + 1


def _zone(place: int, size: int, border: int) -> int:
    """Return the row of `_stamps` for a coordinate of a marker's centre."""
    if place < border:
        return place
    return max(border, place - (size - 2 * border - 1))


@functools.cache
def _stamps(settings: Settings) -> np.ndarray:
    """Return a marker for each position near a side and one for all others, (B, B, B, B) uint8.

    B = 2 border + 1. The first two axes are y and x of the centre: 0..border - 1 count pixels from the top
    (left), the last `border` entries end at the bottom (right), entry `border` is anywhere in between.
    """
    border, size = _border(settings), settings.size
    centres = [*range(border), size // 2, *range(size - border, size)]
    side = 2 * border + 1
    stamps = np.zeros((side, side, side, side), np.uint8)
    for row, y in enumerate(centres):
        for column, x in enumerate(centres):
            image = np.pad(draw_marker(settings, (y, x)), border)
            stamps[row, column] = image[y : y + side, x : x + side]
    return stamps
