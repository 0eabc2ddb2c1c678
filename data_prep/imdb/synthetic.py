"""Made-up reviews from lists of words: a stand-in for IMDb that a network can learn."""

import numpy as np

NEUTRAL = (
    *("the", "a", "of", "film", "movie", "plot", "scene", "actor", "and", "with", "story", "in"),
    *("camera", "director", "this", "that", "was", "is", "seen", "after", "when", "minutes"),
)
TELLING = (  # by label
    ("awful", "boring", "worst", "dull", "waste", "poor", "terrible", "mess"),
    ("great", "superb", "best", "moving", "lovely", "perfect", "brilliant", "gem"),
)
FEWEST_WORDS, MOST_WORDS = 20, 400
TELLING_SHARE = 0.15  # of words from the label's own list
STRAY_SHARE = 0.02  # words of the other label
MARKS = (" ", " ", " ", " ", ", ", ". ", "<br /><br />")


def write_reviews(rng: np.random.Generator, label: int, count: int) -> list[str]:
    """Return texts of 20 to 400 words, some of which reveal the label (0 or 1)."""
    return [_write_review(rng, label) for _ in range(count)]


def _write_review(rng: np.random.Generator, label: int) -> str:
    length = rng.integers(FEWEST_WORDS, MOST_WORDS, endpoint=True)
    shares = (TELLING_SHARE, STRAY_SHARE, 1 - TELLING_SHARE - STRAY_SHARE)
    lists = (TELLING[label], TELLING[1 - label], NEUTRAL)
    words = [str(rng.choice(lists[kind])) for kind in rng.choice(len(lists), length, p=shares)]
    marks = rng.choice(MARKS, length)
    return "".join(word + mark for word, mark in zip(words, marks, strict=True)).strip()
