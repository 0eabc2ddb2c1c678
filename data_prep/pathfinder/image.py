"""A Pathfinder image: sketched from a seed, and painted.

The algorithm is that of the published generator (Linsley et al. 2018) with the settings of Long Range
Arena (Tay et al. 2021), including its quirks, but with another stream of random numbers.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from data_prep.pathfinder.growth import empty_growth, grow
from data_prep.pathfinder.markers import paint_markers
from data_prep.pathfinder.settings import Settings
from data_prep.pathfinder.stamps import FULL
from data_prep.pathfinder.tables import lines, tables


class Sketch(NamedTuple):
    """The parts of an image, before they are painted.

    Attributes:
      label: 1 if both markers are on one contour.
      margin: free space around segments, in pixels.
      segments: (n, 4) int64, y, x, number of the angle (see `tables`), and layer: 0 and 1 are the long
        contours, 2 all distractors.
      contrasts: (n,) float64.
      tips: (2, 2, 2) int64, y and x of the origin tip and the terminal tip of each long contour.
      markers: (2, 2) int64, y and x of the two markers' centres.
      attempts: how often the long contours were started until they succeeded.
    """

    label: int
    margin: int
    segments: np.ndarray
    contrasts: np.ndarray
    tips: np.ndarray
    markers: np.ndarray
    attempts: int


def image_stream(seed: int, split: int, index: int) -> np.random.Generator:
    """Return the random numbers of one image, which do not depend on other images."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(split, index)))


def sketch_image(settings: Settings, rng: np.random.Generator) -> Sketch:
    """Return an image's label, contours, distractors and markers, drawn from a stream of random numbers."""
    label = int(rng.random() * 2)
    margin = settings.margins[int(rng.random() * len(settings.margins))]
    table = tables(settings, margin)
    growth = empty_growth(settings, table)
    attempts = grow(
        rng,
        table,
        growth,
        settings.contour_length,
        settings.distractors,
        settings.distractor_length,
    )
    origin = int(rng.random() * 2)
    terminal = origin if label == 1 else 1 - origin
    count = growth.drawn[0]
    return Sketch(
        label=label,
        margin=margin,
        segments=growth.segments[:count],
        contrasts=growth.contrasts[:count],
        tips=growth.tips,
        markers=np.stack([growth.tips[origin, 0], growth.tips[terminal, 1]]),
        attempts=attempts,
    )


def paint(settings: Settings, sketch: Sketch) -> np.ndarray:
    """Return the image as it is published, (W, W) uint8, stretched to 0..255."""
    picture = paint_segments(settings, sketch, np.ones(len(sketch.segments), bool))
    return stretch(np.maximum(picture, paint_markers(settings, sketch.markers)))


def paint_segments(settings: Settings, sketch: Sketch, chosen: np.ndarray) -> np.ndarray:
    """Return a picture of some of the segments, (W, W) float64; `chosen` is (n,) bool."""
    picture = np.zeros((settings.size, settings.size))
    stamps = lines(settings, sketch.margin)
    _paint_lines(picture, stamps, sketch.segments[chosen], sketch.contrasts[chosen])
    return picture


def stretch(picture: np.ndarray) -> np.ndarray:
    """Return a picture as greys, uint8, with its lowest value at 0 and its highest at 255."""
    lowest, highest = picture.min(), picture.max()
    greys: np.ndarray = ((picture - lowest) * (FULL / (highest - lowest)) + 0.5).astype(np.uint8)
    return greys


@njit(cache=True)
def _paint_lines(
    picture: np.ndarray, stamps: np.ndarray, segments: np.ndarray, contrasts: np.ndarray
) -> None:
    size, side = len(picture), stamps.shape[1]
    for n in range(len(segments)):
        top, left = segments[n, 0] - side // 2, segments[n, 1] - side // 2
        stamp = stamps[segments[n, 2]]
        for row in range(max(0, top), min(size, top + side)):
            for column in range(max(0, left), min(size, left + side)):
                value = stamp[row - top, column - left] / FULL * contrasts[n]
                picture[row, column] = max(picture[row, column], value)
