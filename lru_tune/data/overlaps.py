"""Inputs that occur twice: inside a split, or in two splits."""

import hashlib
import itertools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from lru_tune.data.manifest import SPLITS, Manifest, SplitName
from lru_tune.data.store import Split

Digests = dict[SplitName, set[bytes]]


class Findings(NamedTuple):
    """What an examination found.

    Attributes:
      problems: what makes the arrays unsound.
      notes: what one should know and nobody can mend.
    """

    problems: list[str]
    notes: list[str]


def find_overlaps(manifest: Manifest, splits: Mapping[SplitName, Split]) -> Findings:
    """Look for equal inputs, inside each split and between them.

    What the publisher did is a note: repeats inside a split, and test inputs that are training examples
    as well, as many as the manifest knows of. What preparing did is a problem: an input in both train
    and val, or more in common with test. Under the protocol `lra-legacy` validation has to be test.
    """
    digests = {name: _digests(split.inputs) for name, split in splits.items()}
    repeats = [
        f"{count} inputs of {name} repeat another one of {name}"
        for name, split in splits.items()
        if (count := len(split.inputs) - len(digests[name]))
    ]
    problems, notes = JUDGES[manifest.protocol](digests, manifest.known_overlap)
    return Findings(problems, repeats + notes)


def _judge_default(digests: Digests, known: int) -> Findings:
    learnt = digests["train"] | digests["val"]
    published = len(learnt & digests["test"]) <= known
    findings = Findings([], [])
    for first, second in itertools.combinations(SPLITS, 2):
        if common := len(digests[first] & digests[second]):
            text = f"{common} inputs of {first} occur in {second} as well"
            if second == "test" and published:
                findings.notes.append(f"{text} (in the publisher's files, too)")
            else:
                findings.problems.append(text)
    return findings


def _judge_legacy(digests: Digests, known: int) -> Findings:
    if digests["val"] != digests["test"]:
        return Findings(["val is not the test split, which the protocol lra-legacy asks for"], [])
    problems, notes = _judge_default(digests | {"val": set()}, known)
    return Findings(problems, ["val is the test split, as the protocol lra-legacy asks", *notes])


JUDGES: dict[str, Callable[[Digests, int], Findings]] = {
    "default": _judge_default,
    "lra-legacy": _judge_legacy,
}


def _digests(inputs: np.ndarray) -> set[bytes]:
    return {hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in inputs}
