"""Digits of seven segments, as on a calculator: a stand-in for MNIST that a network can learn."""

import numpy as np

SIDE = 28

# Rows and columns of a segment, before the digit is moved and its strokes are thickened.
SEGMENTS = {
    "top": (slice(5, 6), slice(9, 18)),
    "middle": (slice(13, 14), slice(9, 18)),
    "bottom": (slice(21, 22), slice(9, 18)),
    "upper left": (slice(5, 14), slice(9, 10)),
    "upper right": (slice(5, 14), slice(17, 18)),
    "lower left": (slice(13, 22), slice(9, 10)),
    "lower right": (slice(13, 22), slice(17, 18)),
}
ABSENT = (  # by digit
    ("middle",),
    ("top", "middle", "bottom", "upper left", "lower left"),
    ("upper left", "lower right"),
    ("upper left", "lower left"),
    ("top", "bottom", "lower left"),
    ("upper right", "lower left"),
    ("upper right",),
    ("middle", "bottom", "upper left", "lower left"),
    (),
    ("lower left",),
)
FARTHEST = 1  # pixels a digit is moved, in either direction
THICKEST = 2  # the most pixels added to a stroke
NOISE = 40  # of 255


def draw_digits(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 784) and labels (n,), uint8; all digits occur about equally often."""
    labels = rng.permutation(np.arange(count) % len(ABSENT)).astype(np.uint8)
    images = np.stack([_draw_digit(rng, int(label)) for label in labels])
    return images.reshape(count, SIDE * SIDE), labels


def _draw_digit(rng: np.random.Generator, digit: int) -> np.ndarray:
    strokes = np.zeros((SIDE, SIDE), bool)
    for name, segment in SEGMENTS.items():
        if name not in ABSENT[digit]:
            strokes[segment] = True
    for _ in range(rng.integers(0, THICKEST, endpoint=True)):
        strokes |= np.roll(strokes, 1, axis=0) | np.roll(strokes, 1, axis=1)
    shift = rng.integers(-FARTHEST, FARTHEST, 2, endpoint=True)
    ink = np.roll(strokes, tuple(shift), axis=(0, 1)) * rng.integers(160, 256 - NOISE)
    return (ink + rng.integers(0, NOISE, (SIDE, SIDE))).astype(np.uint8)
