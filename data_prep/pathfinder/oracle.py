"""Are two discs joined by a contour? Answered from the pictures of an image's layers, without its label."""

import numpy as np
from scipy import ndimage

from data_prep.pathfinder.image import Layers
from data_prep.pathfinder.stamps import disc

LIT = 0.2  # of the brightest: pixels of a segment, without the ripples around it
SLACK = 1  # pixels a gap may be wider on each side than the margin, for rounding and turns


def discs_are_joined(layers: Layers, margin: int) -> bool:
    """Return whether a contour, its gaps filled, leads from the middle of one disc to that of the other.

    Contours are looked at one by one, as two may lie as close as the segments of one. A disc belongs to
    the contour that is brighter in its middle: the first one's last segment may be crossed by others.
    """
    (y, x), (other_y, other_x) = layers.centres.tolist()
    first, second = (layers.contours[:, y, x], layers.contours[:, other_y, other_x])
    if first.argmax() != second.argmax():
        return False
    contour = layers.contours[first.argmax()]
    lit = contour > LIT * contour.max()
    parts, _ = ndimage.label(ndimage.binary_dilation(lit, disc(margin + SLACK)), np.ones((3, 3)))
    return bool(parts[y, x] == parts[other_y, other_x] != 0)
