"""Examining prepared arrays: each kind of damage is found, sound arrays pass."""

from pathlib import Path

import numpy as np
import pytest

from lru_tune.data.manifest import SPLITS, Provenance
from lru_tune.data.verify import verify
from lru_tune.data.writer import write_task
from lru_tune.errors import DataNotPrepared

ROWS = 200
VOCABULARY = ["<pad>", "<unk>", "<eos>", "1", "X"]


def sound_examples() -> dict[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    examples = {}
    for split in SPLITS:
        lengths = rng.integers(1, 2049, ROWS, np.uint16)
        inputs = rng.integers(1, len(VOCABULARY), (ROWS, 2048), np.uint8)
        inputs[np.arange(2048) >= lengths[:, None]] = 0
        targets = rng.permutation(np.arange(ROWS) % 10).astype(np.uint8)
        examples[split] = {"inputs": inputs, "targets": targets, "lengths": lengths}
        inputs[:, 0] = 3
        inputs[:, 1:15] = rng.integers(1, len(VOCABULARY), (ROWS, 14))  # short rows differ as well
        lengths[:] = np.maximum(lengths, 15)
    return examples


def written(root: Path, examples: dict[str, dict[str, np.ndarray]]) -> Path:
    with write_task("listops", root, Provenance("a test", {}, seed=0)) as writer:
        writer.vocabulary = VOCABULARY
        for split in SPLITS:
            writer.add(split, **examples[split])
    return root


def test_sound_arrays_pass(tmp_path):
    assert verify(written(tmp_path, sound_examples()), "listops").problems == []


def test_what_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(DataNotPrepared):
        verify(tmp_path, "listops")


def test_a_changed_byte_is_found(tmp_path):
    written(tmp_path, sound_examples())
    file = tmp_path / "listops" / "val" / "inputs.npy"
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    (problem,) = verify(tmp_path, "listops").problems
    assert problem.startswith(f"{file}: its sha256")


def test_a_missing_file_is_found(tmp_path):
    written(tmp_path, sound_examples())
    (tmp_path / "listops" / "val" / "inputs.npy").unlink()
    (problem,) = verify(tmp_path, "listops").problems
    assert "val/inputs.npy is missing" in problem


def test_wrong_shapes_are_found(tmp_path):
    examples = sound_examples()
    for rows in examples.values():
        rows["inputs"] = rows["inputs"][:, :2000]
    problems = verify(written(tmp_path, examples), "listops").problems
    assert len(problems) == 3
    assert "of shape (200, 2048), got uint8 of shape (200, 2000)" in problems[0]


@pytest.mark.parametrize(
    ("part", "row", "value", "message"),
    [
        ("inputs", (5, 0), 9, "val/inputs: expected values up to 4, got 9"),
        ("targets", 5, 11, "val/targets: expected 10 classes, got 12"),
        ("lengths", 5, 0, "val/lengths: expected 1 to 2048, got 0 to"),
        ("lengths", 5, 2049, "val/lengths: expected 1 to 2048, got"),
        ("lengths", slice(None), 10, "val/inputs: padding is not 0 in rows 0 to"),
    ],
)
def test_values_out_of_range_are_found(tmp_path, part, row, value, message):
    examples = sound_examples()
    examples["val"][part][row] = value
    problems = verify(written(tmp_path, examples), "listops").problems
    assert any(problem.startswith(message) for problem in problems), problems


def test_unequal_shares_of_a_label_are_found(tmp_path):
    examples = sound_examples()
    examples["test"]["targets"][:] = 7
    problems = verify(written(tmp_path, examples), "listops").problems
    assert "label 7: its share is 0.100 in train, but 1.000 in test" in problems


def test_overlap_between_splits_is_counted(tmp_path):
    examples = sound_examples()
    for part in ("inputs", "lengths"):
        examples["test"][part][10:13] = examples["train"][part][50:53]
    problems = verify(written(tmp_path, examples), "listops").problems
    assert problems == ["3 inputs of train occur in test as well"]


def pairs(rows: int = 40) -> dict[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(1)
    examples = {}
    for split in SPLITS:
        lengths = rng.integers(15, 4001, (rows, 2)).astype(np.uint16)
        inputs = rng.integers(1, len(VOCABULARY), (rows, 2, 4000)).astype(np.uint8)
        inputs[np.arange(4000) >= lengths[..., None]] = 0
        targets = rng.permutation(np.arange(rows) % 2).astype(np.uint8)
        examples[split] = {"inputs": inputs, "targets": targets, "lengths": lengths}
    return examples


def problems_of_pairs(root: Path, examples: dict[str, dict[str, np.ndarray]]) -> list[str]:
    with write_task("aan", root, Provenance("a test", {}, seed=0)) as writer:
        writer.vocabulary = VOCABULARY
        for split in SPLITS:
            writer.add(split, **examples[split])
    return verify(root, "aan").problems


def test_sound_pairs_of_documents_pass(tmp_path):
    assert problems_of_pairs(tmp_path, pairs()) == []


def test_padding_is_looked_for_behind_both_documents(tmp_path):
    examples = pairs()
    examples["val"]["lengths"][7] = (4000, 100)
    (problem,) = problems_of_pairs(tmp_path, examples)
    assert problem == "val/inputs: padding is not 0 in rows 0 to 4095"


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (
            np.s_[:, 0],
            "lengths: expected unsigned integers of shape (40, 2), got uint16 of shape (40,)",
        ),
        (None, "lengths: missing; aan needs the lengths of both documents"),
    ],
)
def test_two_documents_need_two_lengths(tmp_path, lengths, message):
    examples = pairs()
    for rows in examples.values():
        rows["lengths"] = None if lengths is None else rows["lengths"][lengths]
    problems = problems_of_pairs(tmp_path, examples)
    assert problems == [f"{split}/{message}" for split in SPLITS]


def test_only_pairs_of_the_same_two_documents_overlap(tmp_path):
    examples = pairs()
    train, test = examples["train"], examples["test"]
    for part in ("inputs", "lengths"):
        test[part][3:5] = train[part][8:10]  # whole pairs
        test[part][6, 0] = train[part][12, 0]  # one document that train has in another pair
    assert problems_of_pairs(tmp_path, examples) == ["2 inputs of train occur in test as well"]
