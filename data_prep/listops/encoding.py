"""Converting ListOps symbols to token ids, as S4, S5 and minimal-LRU do, and back.

"]" is spelt "X"; the vocabulary is that of the training split; `<eos>` ends every sequence and `<pad>`
fills the rest. Parentheses were removed and sequences cut before, which leaves room for `<eos>`.
"""

from collections.abc import Sequence

import numpy as np

from data_prep.listops.language import CLOSE, SYMBOLS
from data_prep.listops.trees import Expressions
from data_prep.pipeline.text_encoding import END, PAD, UNKNOWN
from lru_tune.data.vocabulary import SPECIALS

TOKENS_AT_ONCE = 1 << 20  # bincount copies them to eight times the size
SPELLINGS = tuple("X" if symbol == CLOSE else symbol for symbol in SYMBOLS)


def build_vocabulary(tokens: np.ndarray) -> list[str]:
    """Return the specials and the symbols in `tokens`, most frequent first, ties alphabetical."""
    counts = np.zeros(len(SYMBOLS), np.int64)
    for start in range(0, len(tokens), TOKENS_AT_ONCE):
        counts += np.bincount(tokens[start : start + TOKENS_AT_ONCE], minlength=len(SYMBOLS))
    occurring = np.flatnonzero(counts).tolist()
    occurring.sort(key=lambda number: (-counts[number], SPELLINGS[number]))
    return [*SPECIALS, *(SPELLINGS[number] for number in occurring)]


def encode(
    expressions: Expressions, vocabulary: Sequence[str], width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs (n, width) uint8 and lengths (n,) uint16, including `<eos>`."""
    ids = np.full(len(SYMBOLS), UNKNOWN, np.uint8)
    for number, spelling in enumerate(SPELLINGS):
        if spelling in vocabulary:
            ids[number] = vocabulary.index(spelling)
    places = np.arange(width)
    lengths = expressions.lengths[:, None]
    inputs = np.full((len(lengths), width), PAD, np.uint8)
    inputs[places < lengths] = ids[expressions.tokens]
    inputs[places == lengths] = END
    return inputs, (expressions.lengths + 1).astype(np.uint16)


def decode(
    inputs: np.ndarray, lengths: np.ndarray, targets: np.ndarray, vocabulary: Sequence[str]
) -> Expressions:
    """Return the expressions that `encode` encoded; no id may be `<unk>`."""
    numbers = np.zeros(len(vocabulary), np.uint8)
    for token, spelling in enumerate(vocabulary):
        if spelling in SPELLINGS:
            numbers[token] = SPELLINGS.index(spelling)
    content = lengths.astype(np.int64) - 1
    filled = np.arange(inputs.shape[1]) < content[:, None]
    return Expressions(numbers[inputs[filled]], content, targets)
