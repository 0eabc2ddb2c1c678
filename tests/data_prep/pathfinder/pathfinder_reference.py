"""A slow reference for the compiled Pathfinder generator, for tests and benchmarks.

It works on whole images of floats in 0..1, following the published algorithm step by step. It uses the same
random numbers in the same order as `data_prep.pathfinder.growth`, so both must draw the same bytes.
"""

import functools
import math
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from data_prep.pathfinder.settings import Settings
from data_prep.pathfinder.stamps import (
    circle_steps,
    disc,
    draw_marker,
    draw_segment,
    misses_a_corner,
    move,
    reverse,
    seed_footprint,
    turning_weights,
)

ROUNDING = 1e-9  # greys are multiples of 1/255: sums equal to a limit must not fall below it
Point = tuple[int, int]


class Stuck(Exception):
    """A contour cannot start or grow."""


@dataclass
class End:
    """The end of a contour: last pivot, direction in which it is left, last segment's room and tip."""

    pivot: Point
    angle: float
    room: np.ndarray
    tip: Point


@dataclass
class Drawing:
    """An image in progress: occupancy and picture, (W, W) float64."""

    settings: Settings
    margin: int
    rng: np.random.Generator
    occupied: np.ndarray = field(init=False)
    picture: np.ndarray = field(init=False)

    def clear(self) -> None:
        """Start again."""
        self.occupied = _framed(np.zeros((self.settings.size,) * 2), self.settings.padding)
        self.picture = np.zeros_like(self.occupied)

    def choose(self, choices: int) -> int:
        """Choose a number below `choices`."""
        return int(self.rng.random() * choices)


def reference_image(settings: Settings, rng: np.random.Generator) -> tuple[np.ndarray, int, int]:
    """Draw an image: (W, W) uint8, its label, and how often the long contours were started."""
    label = int(rng.random() * 2)
    margin = settings.margins[int(rng.random() * len(settings.margins))]
    drawing = Drawing(settings, margin, rng)
    attempts = 0
    while True:
        attempts += 1
        drawing.clear()
        try:
            origins, terminals = _long_contours(drawing)
        except Stuck:
            continue
        break
    for _ in range(settings.distractors):
        for _ in range(5):
            before = drawing.occupied.copy(), drawing.picture.copy()
            try:
                _distractor(drawing)
            except Stuck:
                drawing.occupied, drawing.picture = before
                continue
            break
    first = drawing.choose(2)
    second = first if label == 1 else 1 - first
    for centre in (origins[first], terminals[second]):
        marker = draw_marker(settings, centre) / 255
        drawing.picture = np.maximum(drawing.picture, marker)
    lowest, highest = drawing.picture.min(), drawing.picture.max()
    stretched = (drawing.picture - lowest) * (255 / (highest - lowest)) + 0.5
    return stretched.astype(np.uint8), label, attempts


def _long_contours(drawing: Drawing) -> tuple[list[Point], list[Point]]:
    settings = drawing.settings
    doubled = list(settings.snake_contrasts) * 2
    contrasts = [doubled.pop(drawing.choose(len(doubled))) for _ in range(2)]
    ends: list[End] = []
    origins: list[Point] = []
    for contour in range(2):
        paddle = settings.paddle_contrasts[drawing.choose(len(settings.paddle_contrasts))]
        around = origins[0] if contour == 1 else None
        end = _seed(drawing, 2 * settings.seed_distance, around, contrasts[contour] * paddle)
        ends.append(end)
        origins.append(end.tip)
    for _ in range(settings.contour_length - 1):
        paddle = settings.paddle_contrasts[drawing.choose(len(settings.paddle_contrasts))]
        for contour in range(2):
            ends[contour] = _extend(drawing, ends[contour], contrasts[contour] * paddle)
    drawing.occupied = np.maximum(drawing.occupied, ends[1].room)  # and never that of ends[0]
    return origins, [end.tip for end in ends]


def _distractor(drawing: Drawing) -> None:
    contrasts = drawing.settings.snake_contrasts
    contrast = contrasts[drawing.choose(len(contrasts))]
    end = _seed(drawing, 1, None, contrast, least_free=0.01)
    for _ in range(drawing.settings.distractor_length - 1):
        contrast = contrasts[drawing.choose(len(contrasts))]
        end = _extend(drawing, end, contrast)
    drawing.occupied = np.maximum(drawing.occupied, end.room)


def _seed(
    drawing: Drawing, frame: int, around: Point | None, contrast: float, least_free: float = 0.0
) -> End:
    """Draw a contour's first segment: somewhere inside a frame, or around another's tip."""
    settings = drawing.settings
    for _ in range(3):
        angle = (drawing.choose(360) - 180) * np.pi / 180
        if around is None:
            tails = _free_tails(drawing, angle, frame, least_free)
            y, x = tails[drawing.choose(len(tails))]
        else:
            turn = math.radians(drawing.choose(360))
            y = np.round(around[0] + settings.seed_distance * math.sin(turn))
            x = np.round(around[1] + settings.seed_distance * math.cos(turn))
        tail = (int(y), int(x))
        head = move(tail, angle, settings.segment_length)
        pivot = move(head, reverse(angle), settings.segment_length + drawing.margin)
        if _inside(settings, head) and _inside(settings, pivot):
            line, room = _stamps(drawing, tail, angle)
            drawing.picture = np.maximum(drawing.picture, line * contrast)
            return End(pivot, angle, room, tail)
    raise Stuck


def _free_tails(drawing: Drawing, angle: float, frame: int, least_free: float) -> np.ndarray:
    if (np.ceil(drawing.occupied - 0.3) == 0).mean() < least_free:
        raise Stuck
    footprint = seed_footprint(drawing.settings, drawing.margin, angle)
    if misses_a_corner(footprint):
        raise Stuck
    reach = np.abs(footprint).max()
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), bool)
    kernel[footprint[:, 0] + reach, footprint[:, 1] + reach] = True
    dilated = ndimage.maximum_filter(
        _framed(drawing.occupied, frame), footprint=kernel, mode="constant", cval=0
    )
    tails = np.argwhere(np.ceil(dilated - 0.3) == 0)
    if len(tails) == 0:
        raise Stuck
    return tails


def _extend(drawing: Drawing, end: End, contrast: float) -> End:
    settings, margin = drawing.settings, drawing.margin
    pivot = move(end.pivot, end.angle, settings.segment_length + 2 * margin)
    dilated = ndimage.grey_dilation(
        drawing.occupied, footprint=disc(margin), mode="constant", cval=0
    )
    steps = [s for s in _circle(settings, margin) if _inside(settings, _sum(pivot, s))]
    if not steps:
        raise Stuck
    angles = np.array([math.atan2(y, x) for y, x in steps])
    free = np.array([1 - dilated[_sum(pivot, s)] for s in steps])
    weights = turning_weights(settings, end.angle, angles) * free
    if weights.sum() < 1e-4:
        raise Stuck
    cumulative = np.cumsum(weights)
    for _ in range(3):
        chosen = np.argmax(cumulative > drawing.rng.random() * cumulative[-1])
        head = _sum(pivot, steps[chosen])
        line, room = _stamps(drawing, head, reverse(angles[chosen]))
        if np.max(drawing.occupied + room) < 1.8 - ROUNDING:
            drawing.picture = np.maximum(drawing.picture, line * contrast)
            drawing.occupied = np.maximum(drawing.occupied, end.room)
            return End(pivot, angles[chosen], room, head)
    raise Stuck


def _stamps(drawing: Drawing, start: Point, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a segment and the room it occupies, as whole images in 0..1."""
    size = drawing.settings.size
    line, room = draw_segment(drawing.settings, drawing.margin, angle)
    y, x = start[0] + size, start[1] + size
    reach = len(line) // 2
    whole = np.zeros((2, 3 * size, 3 * size))
    whole[:, y - reach : y + reach + 1, x - reach : x + reach + 1] = np.stack([line, room]) / 255
    return whole[0, size : 2 * size, size : 2 * size], whole[1, size : 2 * size, size : 2 * size]


def _framed(image: np.ndarray, width: int) -> np.ndarray:
    framed = np.ones_like(image)
    framed[width:-width, width:-width] = image[width:-width, width:-width]
    return framed


@functools.cache
def _circle(settings: Settings, margin: int) -> list[Point]:
    return [(int(y), int(x)) for y, x in circle_steps(settings, margin)]


def _sum(point: Point, step: Point) -> Point:
    return point[0] + step[0], point[1] + step[1]


def _inside(settings: Settings, point: Point) -> bool:
    return 0 <= point[0] < settings.size and 0 <= point[1] < settings.size
