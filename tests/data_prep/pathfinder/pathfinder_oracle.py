"""Does a contour connect the two discs? Computed from the layers of an image, without its label."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from data_prep.pathfinder.growth import DISTRACTOR
from data_prep.pathfinder.image import Sketch, paint_segments
from data_prep.pathfinder.markers import paint_markers
from data_prep.pathfinder.settings import Settings
from data_prep.pathfinder.stamps import disc

LIT = 0.2  # of the brightest pixel; excludes the ripples around a segment
SLACK = 1  # pixels added to the margin on each side of a gap, for rounding and turns


class Layers(NamedTuple):
    """The layers of an image, (W, W) float64 pictures before they are stretched to 0..255.

    Attributes:
      contours: (2, W, W), the long contours.
      distractors: all of them.
      markers: both discs.
      label: 1 if both discs are on one contour.
      tips: (2, 2, 2), y and x of the origin tip and the terminal tip of each long contour.
      centres: (2, 2), y and x of the discs' centres.
    """

    contours: np.ndarray
    distractors: np.ndarray
    markers: np.ndarray
    label: int
    tips: np.ndarray
    centres: np.ndarray


def separate(settings: Settings, sketch: Sketch) -> Layers:
    """Return the layers of an image."""
    layer = sketch.segments[:, 3]
    return Layers(
        contours=np.stack([paint_segments(settings, sketch, layer == i) for i in range(2)]),
        distractors=paint_segments(settings, sketch, layer == DISTRACTOR),
        markers=paint_markers(settings, sketch.markers),
        label=sketch.label,
        tips=sketch.tips,
        centres=sketch.markers,
    )


def discs_are_connected(layers: Layers, margin: int) -> bool:
    """Return whether a contour, with its gaps filled, connects the centres of the two discs.

    Each contour is examined alone, because two may be as close as the segments of one. A disc belongs to the
    contour that is brighter at its centre, because others may cross the first contour's last segment.
    """
    (y, x), (other_y, other_x) = layers.centres.tolist()
    first, second = (layers.contours[:, y, x], layers.contours[:, other_y, other_x])
    if first.argmax() != second.argmax():
        return False
    contour = layers.contours[first.argmax()]
    lit = contour > LIT * contour.max()
    parts, _ = ndimage.label(ndimage.binary_dilation(lit, disc(margin + SLACK)), np.ones((3, 3)))
    return bool(parts[y, x] == parts[other_y, other_x] != 0)
