"""Inputs that occur twice: what the publisher did is a note, what preparing did a problem."""

import numpy as np
import pytest

from lru_tune.data.manifest import SPLITS, Manifest
from lru_tune.data.overlaps import Findings, find_overlaps
from lru_tune.data.store import Split


def look(train: list[int], val: list[int], test: list[int], **parameters: object) -> Findings:
    """Look at splits whose inputs are rows of these numbers."""
    rows = dict(zip(SPLITS, (train, val, test), strict=True))
    splits = {
        name: Split(
            np.full((len(some), 3), np.array(some)[:, None], np.uint8), np.array(some), None
        )
        for name, some in rows.items()
    }
    counts = {name: len(some) for name, some in rows.items()}
    manifest = Manifest(
        format_version=1,
        task="imdb",
        source="a test",
        parameters=parameters,
        seed=0,
        files={},
        counts=counts,
        label_histogram={},
        vocabulary=None,
        chance=0.5,
        synthetic=False,
    )
    return find_overlaps(manifest, splits)


def test_different_inputs_are_nothing_to_speak_of():
    assert look([1, 2], [3], [4]) == ([], [])


def test_repeats_inside_a_split_are_noted():
    assert look([1, 1, 1, 2], [3], [4]).notes == ["2 inputs of train repeat another one of train"]
    assert look([1, 1, 1, 2], [3], [4]).problems == []


def test_an_input_in_train_and_val_is_a_problem_whatever_is_known():
    problems, notes = look([1, 2], [2, 3], [4], known_overlap=5)
    assert problems == ["1 inputs of train occur in val as well"]
    assert notes == []


@pytest.mark.parametrize(("known", "is_problem"), [(0, True), (1, True), (2, False), (9, False)])
def test_what_test_shares_is_a_problem_beyond_what_is_known(known, is_problem):
    problems, notes = look([1, 2], [3], [1, 3, 4], known_overlap=known)
    assert [text.split(" as well")[0] for text in (problems if is_problem else notes)] == [
        "1 inputs of train occur in test",
        "1 inputs of val occur in test",
    ]
    assert (notes if is_problem else problems) == []


def test_in_the_legacy_protocol_val_has_to_be_test():
    problems, notes = look([1], [2, 3], [2, 3], protocol="lra-legacy")
    assert problems == []
    assert notes == ["val is the test split, as the protocol lra-legacy requires"]
    problems, _ = look([1], [2, 5], [2, 3], protocol="lra-legacy")
    assert problems == ["val is not the test split, as the protocol lra-legacy requires"]
    problems, _ = look([1, 3], [2, 3], [2, 3], protocol="lra-legacy")
    assert problems == ["1 inputs of train occur in test as well"]
