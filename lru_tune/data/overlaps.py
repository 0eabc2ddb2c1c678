"""Inputs that occur twice, within a split or in two splits."""

import hashlib
import itertools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from lru_tune.data.manifest import SPLITS, Manifest, SplitName
from lru_tune.data.store import Split

Digests = dict[SplitName, set[bytes]]


class Findings(NamedTuple):
    """What a check found.

    Attributes:
      problems: errors; the task must be prepared again.
      notes: facts about the published data that preparing cannot change.
    """

    problems: list[str]
    notes: list[str]


def find_overlaps(manifest: Manifest, splits: Mapping[SplitName, Split]) -> Findings:
    """Look for equal inputs, within each split and between splits.

    Repeats in the published files are notes: within a split, and between train and test as many as the
    manifest knows of. Mistakes of preparing are problems: an input in both train and val, or more in common
    with test. Under the protocol `lra-legacy`, val must be test.
    """
    digests = {name: _digests(split.inputs) for name, split in splits.items()}
    repeats = [
        f"{count} inputs of {name} repeat another one of {name}"
        for name, split in splits.items()
        if (count := len(split.inputs) - len(digests[name]))
    ]
    problems, notes = CHECKS[manifest.protocol](digests, manifest.known_overlap)
    return Findings(problems, repeats + notes)


def _check_default(digests: Digests, known: int) -> Findings:
    training = digests["train"] | digests["val"]
    published = len(training & digests["test"]) <= known
    findings = Findings([], [])
    for first, second in itertools.combinations(SPLITS, 2):
        if common := len(digests[first] & digests[second]):
            text = f"{common} inputs of {first} occur in {second} as well"
            if second == "test" and published:
                findings.notes.append(f"{text} (in the publisher's files, too)")
            else:
                findings.problems.append(text)
    return findings


def _check_legacy(digests: Digests, known: int) -> Findings:
    if digests["val"] != digests["test"]:
        return Findings(["val is not the test split, as the protocol lra-legacy requires"], [])
    problems, notes = _check_default(digests | {"val": set()}, known)
    return Findings(
        problems, ["val is the test split, as the protocol lra-legacy requires", *notes]
    )


CHECKS: dict[str, Callable[[Digests, int], Findings]] = {
    "default": _check_default,
    "lra-legacy": _check_legacy,
}


def _digests(inputs: np.ndarray) -> set[bytes]:
    return {hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in inputs}
