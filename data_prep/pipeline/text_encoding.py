"""Converting texts to character ids, as S4, S5 and minimal-LRU do.

Characters are Unicode code points. The vocabulary holds the special tokens, then the characters that occur
often enough in the training texts, most frequent first. A text is cut, which leaves room for `<eos>`, and
`<pad>` fills the rest.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from lru_tune.data.vocabulary import SPECIALS

PAD, UNKNOWN, END = range(len(SPECIALS))
CODE_POINTS = 0x110000
TEXTS_AT_ONCE = 1024  # limits the memory of intermediate arrays


def count_characters(texts: Sequence[str]) -> np.ndarray:
    """Return how often each code point occurs, (0x110000,) int64."""
    counts = np.zeros(CODE_POINTS, np.int64)
    for rows in _slices(len(texts)):
        counts += np.bincount(_code_points(texts[rows]), minlength=CODE_POINTS)
    return counts


def build_vocabulary(counts: np.ndarray, min_frequency: int = 1) -> list[str]:
    """Return the special tokens and the characters, most frequent first, ties by code point.

    Args:
      counts: from `count_characters` over the training texts, after they were cut.
      min_frequency: rarer characters are left out and become `<unk>`.
    """
    often = np.flatnonzero(counts >= max(1, min_frequency)).tolist()
    often.sort(key=lambda point: -counts[point])  # stable
    return [*SPECIALS, *map(chr, often)]


def encode_characters(
    texts: Sequence[str], vocabulary: Sequence[str], width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs (n, width) and lengths (n,) including `<eos>`, each in the smallest unsigned type.

    Args:
      texts: n texts; each is cut to its first width - 1 characters.
      vocabulary: from `build_vocabulary`.
      width: T, the length of all sequences.
    """
    ids = np.full(CODE_POINTS, UNKNOWN, np.min_scalar_type(len(vocabulary) - 1))
    for token, character in enumerate(vocabulary[len(SPECIALS) :], start=len(SPECIALS)):
        ids[ord(character)] = token
    cut = [text[: width - 1] for text in texts]
    content = np.array([len(text) for text in cut], np.int64)
    places = np.arange(width)
    inputs = np.full((len(cut), width), PAD, ids.dtype)
    for rows in _slices(len(cut)):
        inputs[rows][places < content[rows, None]] = ids[_code_points(cut[rows])]
    inputs[np.arange(len(cut)), content] = END
    return inputs, (content + 1).astype(np.min_scalar_type(width))


def _code_points(texts: Sequence[str]) -> np.ndarray:
    return np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)


def _slices(count: int) -> Iterator[slice]:
    return (slice(start, start + TEXTS_AT_ONCE) for start in range(0, count, TEXTS_AT_ONCE))
