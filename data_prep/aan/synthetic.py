"""Made-up documents for the synthetic twin of `aan`: are two of them about the same topic?

A topic is a list of pseudo-words spelt with few letters; a document is a random sequence of a topic's words.
The frequent letters reveal the topic, already in a document's first words.
"""

from collections.abc import Iterator

import numpy as np

TOPICS = 4
LETTERS = 6  # per topic
WORDS = 40  # per topic
WORD_LENGTHS = (2, 9)  # the upper end is excluded
DOCUMENT_LENGTHS = (300, 4400)  # likewise; the longest are cut, as in the published data


def pair_up(rng: np.random.Generator, count: int) -> Iterator[tuple[int, str, str]]:
    """Yield `count` pairs in random order, half of them with label 1: both documents have the same topic."""
    topics = _topics()
    for label in rng.permutation(np.arange(count) % 2).tolist():
        first = int(rng.integers(TOPICS))
        second = first if label else int(first + rng.integers(1, TOPICS)) % TOPICS
        yield label, _document(rng, topics[first]), _document(rng, topics[second])


def _topics() -> list[list[str]]:
    """Return the words of each topic; they do not depend on the seed of the pairs."""
    rng = np.random.default_rng(TOPICS)
    alphabet = list("abcdefghijklmnopqrstuvwxyz")
    topics = []
    for _ in range(TOPICS):
        letters = rng.choice(alphabet, LETTERS, replace=False)
        lengths = rng.integers(*WORD_LENGTHS, WORDS).tolist()
        topics.append(["".join(rng.choice(letters, length)) for length in lengths])
    return topics


def _document(rng: np.random.Generator, words: list[str]) -> str:
    length = int(rng.integers(*DOCUMENT_LENGTHS))
    text = " ".join(rng.choice(words, length // WORD_LENGTHS[0]))
    return text[:length].rstrip()
