"""Examining the vocabulary of a prepared task."""

from lru_tune.data.manifest import Manifest
from lru_tune.tasks import Task, Tokens

SPECIALS = (
    "<pad>",
    "<unk>",
    "<eos>",
)  # the first ids of every vocabulary, as in S4, S5, minimal-LRU


def vocabulary_problems(task: Task, manifest: Manifest) -> list[str]:
    """Return what is wrong with a manifest's vocabulary; that ids stay below it is checked elsewhere.

    A task of tokens has one: the special entries first, no entry twice, and no more entries than the
    one-hot code has columns. Other tasks have none.
    """
    vocabulary = manifest.vocabulary
    if not isinstance(task.inputs, Tokens):
        return (
            []
            if vocabulary is None
            else [f"vocabulary: none expected, got {len(vocabulary)} entries"]
        )
    if vocabulary is None:
        return ["vocabulary: the manifest has none, and the inputs are tokens"]
    problems = []
    if (found := vocabulary[: len(SPECIALS)]) != list(SPECIALS):
        problems.append(f"vocabulary: starts with {found}, {list(SPECIALS)} expected")
    if repeated := sorted({entry for entry in vocabulary if vocabulary.count(entry) > 1}):
        problems.append(f"vocabulary: {repeated} occur more than once")
    if len(vocabulary) > task.inputs.width:
        problems.append(
            f"vocabulary: {len(vocabulary)} entries, the one-hot code has {task.inputs.width} columns"
        )
    return problems
