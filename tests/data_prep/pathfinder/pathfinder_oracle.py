"""Does a contour connect the two discs? Computed from the layers of an image, without its label."""

import numpy as np
from scipy import ndimage

from data_prep.pathfinder.image import Layers
from data_prep.pathfinder.stamps import disc

LIT = 0.2  # of the brightest pixel; excludes the ripples around a segment
SLACK = 1  # pixels added to the margin on each side of a gap, for rounding and turns


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
