"""Lookup tables for the compiled Pathfinder generator, computed once per margin.

There are finitely many angles: a contour starts at a whole number of degrees and continues to one of the
pixels on a circle. They are numbered together: 0..359 for -180..179 degrees, then the pixels of the circle.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from data_prep.pathfinder.settings import Settings
from data_prep.pathfinder.stamps import (
    FULL,
    circle_steps,
    disc,
    draw_segment,
    misses_a_corner,
    reverse,
    seed_footprint,
    step,
    turning_weights,
)

DEGREES = 360
FREE_BELOW = 0.3  # of an occupancy in 0..1: a contour may start there
CROWDED_FROM = 1.8  # sum of two occupancies in 0..1: segments touch
LARGEST_FREE = math.floor(FREE_BELOW * FULL)
LEAST_CROWDED = round(CROWDED_FROM * FULL)

# Columns of `Tables.turns`.
TURN_Y, TURN_X, TURN_ANGLE, TURN_WEIGHT = range(4)


class Tables(NamedTuple):
    """The tables of one margin m; A angles, C pixels on the circle, h reach of a stamp.

    Attributes:
      frame: (2, W, W) uint8, occupancy of an empty image, and the same dilated by the margin.
      rooms: (A, 2 h + 1, 2 h + 1) uint8, what segments occupy.
      rooms_widened: (A, 2 (h + m) + 1, ...) uint8, the same dilated by the margin.
      strides: (A, 2) float64, from a pivot to the next; positions are rounded up.
      turns: (A, C, 4) float64, how a contour can continue: step from the pivot in y and x, number of the
        angle, weight; those of weight 0 last.
      seed_steps: (360, 4) float64, y and x from a contour's tail to its first head, then to its pivot.
      seed_rooms: (360, n, 2) int64, steps from a tail to the pixels that must be free.
      seed_counts: (360,) int64, number of those pixels; 0 for angles at which no contour starts.
      tails: (n, 2) int64, where the first contour can start, angle after angle.
      tail_starts: (361,) int64, index in `tails` of the first entry of an angle.
      ring: (360, 2) float64, from the first contour's tail to the second's, by degree.
      snake_contrasts, paddle_contrasts: float64.
    """

    frame: np.ndarray
    rooms: np.ndarray
    rooms_widened: np.ndarray
    strides: np.ndarray
    turns: np.ndarray
    seed_steps: np.ndarray
    seed_rooms: np.ndarray
    seed_counts: np.ndarray
    tails: np.ndarray
    tail_starts: np.ndarray
    ring: np.ndarray
    snake_contrasts: np.ndarray
    paddle_contrasts: np.ndarray


@functools.cache
def tables(settings: Settings, margin: int) -> Tables:
    """Compute the tables of one margin."""
    angles, length = _angles(settings, margin), settings.segment_length
    degrees = angles[:DEGREES]
    rooms = np.stack([room for _, room in _stamps(settings, margin)])
    frame = _frame(settings.size, settings.padding)
    footprints = [_seed_room(settings, margin, angle) for angle in degrees]
    counts = np.array([len(footprint) for footprint in footprints])
    seed_rooms = np.zeros((DEGREES, counts.max(), 2), np.int64)
    for degree, footprint in enumerate(footprints):
        seed_rooms[degree, : len(footprint)] = footprint
    tails = _first_tails(settings, footprints)
    return Tables(
        frame=np.stack([frame, _widen(frame, margin)]),
        rooms=rooms,
        rooms_widened=np.stack([_widen(np.pad(room, margin), margin) for room in rooms]),
        strides=np.array([step(angle, length + 2 * margin) for angle in angles]),
        turns=_turns(settings, margin, angles),
        seed_steps=np.array(
            [step(a, length) + step(reverse(a), length + margin) for a in degrees.tolist()]
        ),
        seed_rooms=seed_rooms,
        seed_counts=counts,
        # Always contiguous, so that the kernels compile once.
        tails=np.ascontiguousarray(np.concatenate(tails)),
        tail_starts=np.cumsum([0, *map(len, tails)]),
        ring=np.array([step(math.radians(f), settings.seed_distance) for f in range(DEGREES)]),
        snake_contrasts=np.array(settings.snake_contrasts),
        paddle_contrasts=np.array(settings.paddle_contrasts),
    )


@functools.cache
def lines(settings: Settings, margin: int) -> np.ndarray:
    """Return the segments themselves, (A, 2 h + 1, 2 h + 1) uint8."""
    return np.stack([line for line, _ in _stamps(settings, margin)])


def _angles(settings: Settings, margin: int) -> np.ndarray:
    circle = circle_steps(settings, margin)
    degrees = np.arange(-DEGREES // 2, DEGREES // 2) * math.pi / 180
    return np.concatenate([degrees, np.arctan2(circle[:, 0], circle[:, 1])])


def _stamps(settings: Settings, margin: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw a segment for each angle: a first one from its tail forward, any other from its head back."""
    angles = _angles(settings, margin).tolist()
    drawn = angles[:DEGREES] + [reverse(angle) for angle in angles[DEGREES:]]
    return [draw_segment(settings, margin, angle) for angle in drawn]


def _frame(size: int, width: int) -> np.ndarray:
    frame = np.full((size, size), FULL, np.uint8)
    frame[width : size - width, width : size - width] = 0
    return frame


def _widen(image: np.ndarray, radius: int) -> np.ndarray:
    widened: np.ndarray = ndimage.grey_dilation(
        image, footprint=disc(radius), mode="constant", cval=0
    )
    return widened


def _turns(settings: Settings, margin: int, angles: np.ndarray) -> np.ndarray:
    circle = circle_steps(settings, margin)
    turns = np.zeros((len(angles), len(circle), 4))
    for row, angle in enumerate(angles):
        weights = turning_weights(settings, angle, angles[DEGREES:])
        order = np.argsort(weights == 0, kind="stable")
        turns[row, :, TURN_Y : TURN_X + 1] = circle[order]
        turns[row, :, TURN_ANGLE] = DEGREES + order
        turns[row, :, TURN_WEIGHT] = weights[order]
    return turns


def _seed_room(settings: Settings, margin: int, angle: float) -> np.ndarray:
    footprint = seed_footprint(settings, margin, angle)
    return footprint[:0] if misses_a_corner(footprint) else footprint


def _first_tails(settings: Settings, footprints: list[np.ndarray]) -> list[np.ndarray]:
    """Return for each footprint the possible tails of a first contour in an empty image, row by row."""
    size = settings.size
    blocked = np.pad(_frame(size, max(settings.padding, 2 * settings.seed_distance)) > 0, size)
    known = {b"": np.zeros((0, 2), np.int64)}
    for footprint in footprints:
        if footprint.tobytes() not in known:
            views = [
                blocked[size + dy : 2 * size + dy, size + dx : 2 * size + dx]
                for dy, dx in footprint
            ]
            known[footprint.tobytes()] = np.argwhere(~np.any(views, axis=0))
    return [known[footprint.tobytes()] for footprint in footprints]
