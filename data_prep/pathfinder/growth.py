"""Compiled growth of contours: two long ones, then distractors, each where there is room.

`pathfinder_reference.py` in the tests does the same slowly. Occupancies are greys 0..255 for 0..1. Every
random decision takes the next number of the given generator, so an image is a function of its seed.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from data_prep.pathfinder.settings import Settings
from data_prep.pathfinder.stamps import FULL
from data_prep.pathfinder.tables import (
    DEGREES,
    LARGEST_FREE,
    LEAST_CROWDED,
    TURN_ANGLE,
    TURN_WEIGHT,
    TURN_X,
    TURN_Y,
    Tables,
)

SEGMENT_TRIES = 3
DISTRACTOR_TRIES = 5
LEAST_WEIGHT = 1e-4 * FULL  # total weight of all turns below which a contour cannot grow
LEAST_FREE_SHARE = 0.01  # share of free pixels below which no distractor is tried

# Indices of `Growth.planes`: occupancy, the same dilated by the margin, copies of both, two bitmaps.
OCCUPIED, WIDENED, KEPT_OCCUPIED, KEPT_WIDENED, BLOCKED, TAKEN = range(6)
DISTRACTOR = 2  # the long contours are layers 0 and 1

# Columns of `Growth.ends`: last pivot, direction in which it is left, where the last segment is drawn.
PIVOT_Y, PIVOT_X, ANGLE, SEGMENT_Y, SEGMENT_X = range(5)


class Growth(NamedTuple):
    """An image while it grows; made by `empty_growth`.

    Attributes:
      planes: (6, W, W) uint8, see `OCCUPIED`.
      room: (W * W + 1,) int64, buffer for a list of pixels.
      cumulative: (C,) float64, buffer for cumulative weights of turns.
      ends: (3, 5) int64, the growing ends of the two long contours and of a distractor.
      tips: (2, 2, 2) int64, y and x of the origin tip and the terminal tip of each long contour.
      segments: (n, 4) int64, y, x, angle and layer of all segments.
      contrasts: (n,) float64, contrasts of the segments.
      drawn: (1,) int64, number of segments so far.
    """

    planes: np.ndarray
    room: np.ndarray
    cumulative: np.ndarray
    ends: np.ndarray
    tips: np.ndarray
    segments: np.ndarray
    contrasts: np.ndarray
    drawn: np.ndarray


def empty_growth(settings: Settings, table: Tables) -> Growth:
    """Allocate the arrays of an image."""
    size = settings.size
    segments = 2 * settings.contour_length + settings.distractors * settings.distractor_length
    return Growth(
        planes=np.zeros((6, size, size), np.uint8),
        room=np.zeros(size * size + 1, np.int64),
        cumulative=np.zeros(table.turns.shape[1]),
        ends=np.zeros((3, 5), np.int64),
        tips=np.zeros((2, 2, 2), np.int64),
        segments=np.zeros((segments, 4), np.int64),
        contrasts=np.zeros(segments),
        drawn=np.zeros(1, np.int64),
    )


@njit(cache=True)
def grow(
    rng: np.random.Generator,
    table: Tables,
    growth: Growth,
    contour_length: int,
    distractors: int,
    distractor_length: int,
) -> int:
    """Grow all contours of an image into `growth`; return how often the long ones were started."""
    attempts = 1
    while not _long_contours(rng, table, growth, contour_length):
        attempts += 1
    planes = growth.planes
    for _ in range(distractors):
        _copy(planes[OCCUPIED], planes[KEPT_OCCUPIED])
        _copy(planes[WIDENED], planes[KEPT_WIDENED])
        count = growth.drawn[0]
        for _ in range(DISTRACTOR_TRIES):
            if _distractor(rng, table, growth, distractor_length):
                break
            _copy(planes[KEPT_OCCUPIED], planes[OCCUPIED])
            _copy(planes[KEPT_WIDENED], planes[WIDENED])
            growth.drawn[0] = count
    return attempts


@njit(cache=True)
def _long_contours(
    rng: np.random.Generator, table: Tables, growth: Growth, contour_length: int
) -> bool:
    _copy(table.frame[0], growth.planes[OCCUPIED])
    _copy(table.frame[1], growth.planes[WIDENED])
    growth.drawn[0] = 0
    # Two different entries of the list of contrasts repeated twice.
    known = len(table.snake_contrasts)
    first = _draw(rng, 2 * known)
    second = _draw(rng, 2 * known - 1)
    second += second >= first
    contrasts = (table.snake_contrasts[first % known], table.snake_contrasts[second % known])
    for contour in range(2):
        paddle = table.paddle_contrasts[_draw(rng, len(table.paddle_contrasts))]
        if not _seed_long(rng, table, growth, contour):
            return False
        _note(growth, contour, contrasts[contour] * paddle)
    for _ in range(contour_length - 1):
        paddle = table.paddle_contrasts[_draw(rng, len(table.paddle_contrasts))]
        for contour in range(2):
            if not _extend(rng, table, growth, contour):
                return False
            _note(growth, contour, contrasts[contour] * paddle)
    # The first contour's last segment is never added, as in the published program.
    _settle(table.rooms, table.rooms_widened, growth.planes, growth.ends[1])
    for contour in range(2):
        growth.tips[contour, 1, 0] = growth.ends[contour, SEGMENT_Y]
        growth.tips[contour, 1, 1] = growth.ends[contour, SEGMENT_X]
    return True


@njit(cache=True)
def _seed_long(rng: np.random.Generator, table: Tables, growth: Growth, contour: int) -> bool:
    """Place the first segment of a long contour, the second contour's around the first's."""
    for _ in range(SEGMENT_TRIES):
        angle = _draw(rng, DEGREES)
        if contour == 0:
            start, end = table.tail_starts[angle], table.tail_starts[angle + 1]
            if start == end:
                return False
            tail = table.tails[start + _draw(rng, end - start)]
            y, x = tail[0], tail[1]
        else:
            degree = _draw(rng, DEGREES)
            y = np.int64(np.rint(growth.tips[0, 0, 0] + table.ring[degree, 0]))
            x = np.int64(np.rint(growth.tips[0, 0, 1] + table.ring[degree, 1]))
        if _plant(table.seed_steps, len(growth.planes[0]), growth.ends[contour], y, x, angle):
            growth.tips[contour, 0, 0], growth.tips[contour, 0, 1] = y, x
            return True
    return False


@njit(cache=True)
def _distractor(
    rng: np.random.Generator, table: Tables, growth: Growth, distractor_length: int
) -> bool:
    known = len(table.snake_contrasts)
    contrast = table.snake_contrasts[_draw(rng, known)]
    if not _seed_distractor(rng, table, growth):
        return False
    _note(growth, DISTRACTOR, contrast)
    for _ in range(distractor_length - 1):
        contrast = table.snake_contrasts[_draw(rng, known)]
        if not _extend(rng, table, growth, DISTRACTOR):
            return False
        _note(growth, DISTRACTOR, contrast)
    _settle(table.rooms, table.rooms_widened, growth.planes, growth.ends[DISTRACTOR])
    return True


@njit(cache=True)
def _seed_distractor(rng: np.random.Generator, table: Tables, growth: Growth) -> bool:
    planes, room = growth.planes, growth.room
    size = len(planes[OCCUPIED])
    for _ in range(SEGMENT_TRIES):
        angle = _draw(rng, DEGREES)
        if _block(planes) < LEAST_FREE_SHARE * size * size:
            return False
        footprint = table.seed_rooms[angle, : table.seed_counts[angle]]
        count = _list_free(planes, footprint, room)
        if count == 0:
            return False
        chosen = room[_draw(rng, count)]
        y, x = chosen // size, chosen % size
        if _plant(table.seed_steps, size, growth.ends[DISTRACTOR], y, x, angle):
            return True
    return False


@njit(cache=True)
def _block(planes: np.ndarray) -> int:
    """Mark pixels that are not free, or at a side; return how many are free, at sides or not."""
    size = len(planes[OCCUPIED])
    free = 0
    for y in range(size):
        for x in range(size):
            at_side = y == 0 or y == size - 1 or x == 0 or x == size - 1
            taken = planes[OCCUPIED, y, x] > LARGEST_FREE
            planes[BLOCKED, y, x] = at_side or taken
            free += not taken
    return free


@njit(cache=True)
def _list_free(planes: np.ndarray, footprint: np.ndarray, room: np.ndarray) -> int:
    """List the tails from which a first segment touches no blocked pixel."""
    if len(footprint) == 0:
        return 0
    blocked, taken = planes[BLOCKED], planes[TAKEN]
    size = len(taken)
    for y in range(size):
        for x in range(size):
            taken[y, x] = 0
    for i in range(len(footprint)):
        dy, dx = footprint[i, 0], footprint[i, 1]
        first, last = max(0, -dx), min(size, size - dx)
        for row in range(max(0, -dy), min(size, size - dy)):
            ours, theirs = taken[row, first:last], blocked[row + dy, first + dx : last + dx]
            for j in range(len(ours)):
                ours[j] |= theirs[j]
    count = 0
    for y in range(size):
        for x in range(size):
            room[count] = y * size + x
            count += taken[y, x] == 0
    return count


@njit(cache=True)
def _plant(seed_steps: np.ndarray, size: int, end: np.ndarray, y: int, x: int, angle: int) -> bool:
    """Start a contour at a tail, if head and pivot are inside the image."""
    steps = seed_steps[angle]
    head_y, head_x = int(np.ceil(y + steps[0])), int(np.ceil(x + steps[1]))
    pivot_y, pivot_x = int(np.ceil(head_y + steps[2])), int(np.ceil(head_x + steps[3]))
    if not (0 <= head_y < size and 0 <= head_x < size):
        return False
    if not (0 <= pivot_y < size and 0 <= pivot_x < size):
        return False
    end[PIVOT_Y], end[PIVOT_X], end[ANGLE] = pivot_y, pivot_x, angle
    end[SEGMENT_Y], end[SEGMENT_X] = y, x
    return True


@njit(cache=True)
def _extend(rng: np.random.Generator, table: Tables, growth: Growth, layer: int) -> bool:
    """Add a segment to a contour, and occupy the room of the one before."""
    end, cumulative, planes = growth.ends[layer], growth.cumulative, growth.planes
    size = len(planes[WIDENED])
    turns, stride = table.turns[end[ANGLE]], table.strides[end[ANGLE]]
    pivot_y = int(np.ceil(end[PIVOT_Y] + stride[0]))
    pivot_x = int(np.ceil(end[PIVOT_X] + stride[1]))
    total, count = 0.0, 0
    while count < len(turns) and turns[count, TURN_WEIGHT] > 0:
        y = pivot_y + int(turns[count, TURN_Y])
        x = pivot_x + int(turns[count, TURN_X])
        if 0 <= y < size and 0 <= x < size:
            total += turns[count, TURN_WEIGHT] * (FULL - planes[WIDENED, y, x])
        cumulative[count] = total
        count += 1
    if total < LEAST_WEIGHT:
        return False
    for _ in range(SEGMENT_TRIES):
        threshold = rng.random() * total
        turn = 0
        while turn < count - 1 and cumulative[turn] <= threshold:
            turn += 1
        y, x = pivot_y + int(turns[turn, TURN_Y]), pivot_x + int(turns[turn, TURN_X])
        angle = int(turns[turn, TURN_ANGLE])
        if _fits(planes[OCCUPIED], table.rooms[angle], y, x):
            _settle(table.rooms, table.rooms_widened, planes, end)
            end[PIVOT_Y], end[PIVOT_X], end[ANGLE] = pivot_y, pivot_x, angle
            end[SEGMENT_Y], end[SEGMENT_X] = y, x
            return True
    return False


@njit(cache=True)
def _fits(occupied: np.ndarray, stamp: np.ndarray, y: int, x: int) -> bool:
    """Return whether a stamp centred on a pixel touches nothing."""
    size, reach = len(occupied), len(stamp) // 2
    top, left = y - reach, x - reach
    first, last = max(0, left), min(size, left + len(stamp))
    for row in range(max(0, top), min(size, top + len(stamp))):
        # Slices, because the compiler vectorises only loops in which no index can be negative.
        ours, theirs = occupied[row, first:last], stamp[row - top, first - left : last - left]
        crowded = 0
        for i in range(len(ours)):
            crowded += int(np.int16(ours[i]) + np.int16(theirs[i]) >= LEAST_CROWDED)
        if crowded > 0:
            return False
    return True


@njit(cache=True)
def _settle(
    rooms: np.ndarray, rooms_widened: np.ndarray, planes: np.ndarray, end: np.ndarray
) -> None:
    """Occupy the room of a contour's last segment."""
    y, x, angle = end[SEGMENT_Y], end[SEGMENT_X], end[ANGLE]
    _raise(planes[OCCUPIED], rooms[angle], y, x)
    _raise(planes[WIDENED], rooms_widened[angle], y, x)


@njit(cache=True)
def _raise(image: np.ndarray, stamp: np.ndarray, y: int, x: int) -> None:
    """Raise an image to a stamp centred on a pixel and clipped at the sides."""
    size, reach = len(image), len(stamp) // 2
    top, left = y - reach, x - reach
    first, last = max(0, left), min(size, left + len(stamp))
    for row in range(max(0, top), min(size, top + len(stamp))):
        ours, theirs = image[row, first:last], stamp[row - top, first - left : last - left]
        for i in range(len(ours)):
            ours[i] = max(ours[i], theirs[i])


@njit(cache=True)
def _copy(source: np.ndarray, target: np.ndarray) -> None:
    for y in range(len(source)):
        for x in range(len(source)):
            target[y, x] = source[y, x]


@njit(cache=True)
def _note(growth: Growth, layer: int, contrast: float) -> None:
    """Record a contour's last segment for the picture."""
    end, segment = growth.ends[layer], growth.segments[growth.drawn[0]]
    segment[0], segment[1] = end[SEGMENT_Y], end[SEGMENT_X]
    segment[2], segment[3] = end[ANGLE], layer
    growth.contrasts[growth.drawn[0]] = contrast
    growth.drawn[0] += 1


@njit(cache=True)
def _draw(rng: np.random.Generator, choices: int) -> int:
    return int(rng.random() * choices)
