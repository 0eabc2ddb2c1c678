"""The shapes in a Pathfinder image, drawn at a finer scale and reduced by Pillow.

All positions are (y, x); angles are in radians, from the x axis towards larger y.
"""

import functools
import math

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from data_prep.pathfinder.settings import Settings

FULL = 255  # grey of a pixel that is completely inside


def move(start: tuple[int, int], angle: float, distance: float) -> tuple[int, int]:
    """Return the end of a step, each coordinate rounded up."""
    y, x = step(angle, distance)
    return math.ceil(start[0] + y), math.ceil(start[1] + x)


def step(angle: float, distance: float) -> tuple[float, float]:
    """Return a step's length in y and x."""
    return distance * math.sin(angle), distance * math.cos(angle)


def reverse(angle: float) -> float:
    """Return the opposite angle, in [-pi, pi)."""
    return angle + math.pi if angle < 0 else angle - math.pi


def stamp_reach(settings: Settings, margin: int) -> int:
    """Return h, the number of pixels of a stamp on each side of its centre."""
    return settings.segment_length + math.ceil(settings.thickness) + margin


def draw_segment(settings: Settings, margin: int, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw a segment that starts in the centre of a stamp.

    Args:
      settings: settings of the generator.
      margin: free space around a segment.
      angle: direction of the segment from the centre.

    Returns:
      The line, and the room that it occupies (the line, thicker by the margin on each side): both
      (2 h + 1, 2 h + 1) uint8, where h is `stamp_reach`.
    """
    centre = stamp_reach(settings, margin) * settings.scale
    end = move((centre, centre), angle, settings.segment_length * settings.scale)
    return _segment_to(settings, margin, end)


@functools.cache
def _segment_to(
    settings: Settings, margin: int, end: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    reach = stamp_reach(settings, margin)
    centre = reach * settings.scale
    canvas = Image.new("L", (2 * centre + 1, 2 * centre + 1))
    width = round(settings.thickness * settings.scale)
    pen = ImageDraw.Draw(canvas)
    pen.line([(centre, centre), (end[1], end[0])], fill=FULL, width=width)
    thick = ndimage.binary_dilation(np.asarray(canvas) > 0, disc(margin * settings.scale))
    room = Image.fromarray(np.where(thick, FULL, 0).astype(np.uint8))
    return _reduced(canvas, 2 * reach + 1), _reduced(room, 2 * reach + 1)


def draw_marker(settings: Settings, centre: tuple[int, int]) -> np.ndarray:
    """Return an image with one disc, (W, W) uint8."""
    scale = settings.scale
    places = np.arange(settings.size * scale)
    y, x = places[:, None] - centre[0] * scale, places - centre[1] * scale
    inside = x**2 + y**2 <= (settings.marker_radius * scale) ** 2
    return _reduced(Image.fromarray(np.where(inside, FULL, 0).astype(np.uint8)), settings.size)


def disc(radius: int) -> np.ndarray:
    """Return which pixels of a square of side 2 radius + 1 are inside a disc, bool."""
    places = np.arange(-radius, radius + 1)
    inside: np.ndarray = places[:, None] ** 2 + places**2 <= radius**2
    return inside


def seed_footprint(settings: Settings, margin: int, angle: float) -> np.ndarray:
    """Return the pixels that must be free for a contour's first segment, (n, 2) steps from its tail.

    The published program centres the stamp one pixel below and to the right of the middle of the square
    it searches with, clips it at that square's sides, and keeps pixels that are completely inside.
    """
    _, room = draw_segment(settings, margin, angle)
    steps = np.argwhere(room == FULL) - stamp_reach(settings, margin) + 1
    square = settings.segment_length + margin
    kept: np.ndarray = steps[(np.abs(steps) <= square).all(axis=1)]
    return kept


def misses_a_corner(footprint: np.ndarray) -> bool:
    """Return whether a footprint placed on some corner of an image is completely outside the image.

    There the published program's dilation yields minus infinity, and the program treats the image as full.
    """
    signs = np.array([(1, 1), (1, -1), (-1, 1), (-1, -1)])
    inside = (footprint * signs[:, None] <= 0).all(axis=2)
    return not inside.any(axis=1).all()


def circle_steps(settings: Settings, margin: int) -> np.ndarray:
    """Return the possible steps from a pivot to the next segment's head, (n, 2), sorted, unique."""
    radius = settings.segment_length + margin
    degrees = np.arange(0, 360, 360 / (2 * math.pi * radius))
    angles = degrees * math.pi / 180
    points = radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    steps: np.ndarray = np.unique(np.floor(points).astype(np.int64), axis=0)
    return steps


def turning_weights(settings: Settings, before: float, after: np.ndarray) -> np.ndarray:
    """Return weights of turns from one angle to others: cos², and 0 from a right angle on."""
    difference = np.abs(after - before)
    turn = np.minimum(difference, 2 * math.pi - difference) * settings.continuity
    return np.where(turn < math.pi / 2, np.cos(turn) ** 2, 0.0)


def _reduced(image: Image.Image, side: int) -> np.ndarray:
    return np.asarray(image.resize((side, side), Image.Resampling.LANCZOS))
