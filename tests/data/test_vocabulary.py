"""Examining vocabularies: entries in place, none twice, none too many."""

import dataclasses

import pytest

from data_prep import ensure_prepared
from lru_tune.data.manifest import write_manifest
from lru_tune.data.store import open_task
from lru_tune.data.verify import verify
from lru_tune.data.vocabulary import SPECIALS, vocabulary_problems
from lru_tune.tasks import TASKS

SOUND = [*SPECIALS, "7", "X"]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return ensure_prepared("copy", tmp_path_factory.mktemp("data"), synthetic=True).manifest


@pytest.mark.parametrize(
    ("vocabulary", "problems"),
    [
        (SOUND, []),
        (None, ["vocabulary: the inputs are tokens, but the manifest has no vocabulary"]),
        (
            ["<unk>", "<pad>", "<eos>", "7"],
            [
                "vocabulary: expected the first entries ['<pad>', '<unk>', '<eos>'], "
                "got ['<unk>', '<pad>', '<eos>']"
            ],
        ),
        ([*SOUND, "7", "X"], ["vocabulary: ['7', 'X'] occur more than once"]),
        (
            [*SOUND, *map(str, range(100, 116))],
            ["vocabulary: 21 entries, but the one-hot code has 20 columns"],
        ),
    ],
)
def test_a_task_of_tokens_needs_a_vocabulary(manifest, vocabulary, problems):
    changed = dataclasses.replace(manifest, vocabulary=vocabulary)
    assert vocabulary_problems(TASKS["listops"], changed) == problems


def test_other_tasks_have_none(manifest):
    assert vocabulary_problems(TASKS["copy"], manifest) == []
    changed = dataclasses.replace(manifest, vocabulary=SOUND)
    assert vocabulary_problems(TASKS["copy"], changed) == [
        "vocabulary: expected none, got 5 entries"
    ]


def test_verify_looks_at_the_vocabulary(tmp_path):
    ensure_prepared("copy", tmp_path, synthetic=True)
    prepared = open_task("copy", tmp_path / "synthetic")
    write_manifest(prepared.folder, dataclasses.replace(prepared.manifest, vocabulary=SOUND))
    assert verify(tmp_path / "synthetic", "copy").problems == [
        "vocabulary: expected none, got 5 entries"
    ]
