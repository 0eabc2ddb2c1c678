"""Checks the vocabulary of a prepared task."""

from lru_tune.data.manifest import Manifest
from lru_tune.tasks import Task, Tokens

# The first ids of every vocabulary, as in S4, S5 and minimal-LRU.
SPECIALS = ("<pad>", "<unk>", "<eos>")


def vocabulary_problems(task: Task, manifest: Manifest) -> list[str]:
    """Return the problems of a manifest's vocabulary; `verify` checks that token ids are within it.

    A task of tokens has one: the special entries first, no entry twice, and no more entries than the
    one-hot code has columns. Other tasks have none.
    """
    vocabulary = manifest.vocabulary
    if not isinstance(task.inputs, Tokens):
        return (
            []
            if vocabulary is None
            else [f"vocabulary: expected none, got {len(vocabulary)} entries"]
        )
    if vocabulary is None:
        return ["vocabulary: the inputs are tokens, but the manifest has no vocabulary"]
    problems = []
    if (found := vocabulary[: len(SPECIALS)]) != list(SPECIALS):
        problems.append(f"vocabulary: expected the first entries {list(SPECIALS)}, got {found}")
    if repeated := sorted({entry for entry in vocabulary if vocabulary.count(entry) > 1}):
        problems.append(f"vocabulary: {repeated} occur more than once")
    if len(vocabulary) > task.inputs.width:
        problems.append(
            f"vocabulary: {len(vocabulary)} entries, but the one-hot code has {task.inputs.width} columns"
        )
    return problems
