"""Coloured shapes on noise: a stand-in for CIFAR-10 that a network can learn, in colour and in grey."""

import colorsys
from collections.abc import Callable

import numpy as np

SIDE = 32

# By class, which pixels of its shape are filled; y and x run from -1 to 1 over its extent.
SHAPES: tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], ...] = (
    lambda y, x: y**2 + x**2 < 1,  # disc
    lambda y, x: (y**2 + x**2 < 1) & (y**2 + x**2 > 0.4),  # ring
    lambda y, x: np.maximum(abs(y), abs(x)) < 0.85,  # square
    lambda y, x: abs(abs(y) + abs(x) - 0.8) < 0.25,  # hollow diamond
    lambda y, x: (np.minimum(abs(y), abs(x)) < 0.25) & (np.maximum(abs(y), abs(x)) < 1),  # plus
    lambda y, x: (abs(abs(y) - abs(x)) < 0.3) & (np.maximum(abs(y), abs(x)) < 1),  # cross
    lambda y, x: (abs(y) < 0.9) & (abs(x) < (y + 0.9) / 2),  # triangle
    lambda y, x: (np.cos(8 * y) > 0) & (abs(x) < 1) & (abs(y) < 1),  # bars, lying
    lambda y, x: (np.cos(8 * x) > 0) & (abs(x) < 1) & (abs(y) < 1),  # bars, standing
    lambda y, x: (y * x > 0) & (abs(x) < 1) & (abs(y) < 1),  # two squares, corner to corner
)
FARTHEST = 2  # pixels a shape is moved, in either direction
RADIUS = (10.0, 13.0)  # pixels
NOISE = 50  # of 255


def draw_shapes(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 3072) in planes of red, green and blue, and labels (n,), uint8.

    Every class has its own shape and hue; all occur about equally often.
    """
    labels = rng.permutation(np.arange(count) % len(SHAPES)).astype(np.uint8)
    images = np.stack([_draw_shape(rng, int(label)) for label in labels])
    return images.reshape(count, 3 * SIDE * SIDE), labels


def _draw_shape(rng: np.random.Generator, label: int) -> np.ndarray:
    """Return one image (3, SIDE, SIDE) uint8."""
    centre = (SIDE - 1) / 2 + rng.integers(-FARTHEST, FARTHEST, 2, endpoint=True)
    places = (np.arange(SIDE) - centre[:, None]) / rng.uniform(*RADIUS)
    filled = SHAPES[label](places[0][:, None], places[1][None, :])
    colour = np.array(colorsys.hsv_to_rgb(label / len(SHAPES), 0.5, 1.0)) * rng.integers(160, 205)
    noise = rng.integers(0, NOISE, (3, SIDE, SIDE))
    return (filled * colour[:, None, None] + noise).astype(np.uint8)
