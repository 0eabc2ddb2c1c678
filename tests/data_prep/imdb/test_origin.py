"""IMDb: characters, assignment to splits, the two protocols, the real files."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from data_prep import Request, ensure_prepared, prepare
from data_prep.cli import main
from data_prep.imdb import origin as imdb
from data_prep.imdb.origin import arrange
from lru_tune.data.manifest import SPLITS
from lru_tune.data.store import PreparedTask
from lru_tune.data.verify import verify
from lru_tune.errors import ConfigError, DataDamaged

pytestmark = pytest.mark.usefixtures("no_other_reviews")


def texts_of(prepared: PreparedTask, split) -> list[str]:
    arrays, vocabulary = prepared.split(split), prepared.manifest.vocabulary
    rows = zip(arrays.inputs, arrays.lengths, strict=True)
    return ["".join(vocabulary[token] for token in row[: n - 1]) for row, n in rows]


def test_rows_are_characters_then_eos_then_padding(folder, reviews, tmp_path):
    prepared = prepare(Request("imdb", tmp_path, from_dir=folder))
    for name in SPLITS:
        split = prepared.split(name)
        assert split.inputs.shape == (prepared.manifest.counts[name], 4096)
        assert (split.inputs.dtype, split.lengths.dtype) == (np.uint8, np.uint16)
        assert split.lengths.max() <= 4096
        lengths = np.asarray(split.lengths)[:, None]
        places = np.arange(4096)
        np.testing.assert_array_equal(split.inputs == 0, places >= lengths)
        np.testing.assert_array_equal(split.inputs == 2, places == lengths - 1)
    tested = list(zip(texts_of(prepared, "test"), prepared.split("test").targets, strict=True))
    expected = [(text, label) for label in (0, 1) for text in reviews["test", label]]
    assert sorted(tested) == sorted(expected)


def test_the_vocabulary_is_that_of_all_training_texts_whatever_the_limit(folder, tmp_path):
    whole = prepare(Request("imdb", tmp_path / "a", from_dir=folder)).manifest
    few = prepare(Request("imdb", tmp_path / "b", from_dir=folder, limit=20)).manifest
    assert whole.vocabulary == few.vocabulary
    assert whole.vocabulary[:3] == ["<pad>", "<unk>", "<eos>"]
    assert "日" in whole.vocabulary  # 1,365 times before the cut
    assert "z" not in whole.vocabulary


def test_equal_texts_are_all_in_train_or_all_in_validation(folder, tmp_path):
    for seed in range(5):
        prepared = prepare(Request("imdb", tmp_path, from_dir=folder, seed=seed, replace=True))
        train, val = (set(texts_of(prepared, split)) for split in ("train", "val"))
        assert not train & val
        assert prepared.manifest.counts == {"train": 90, "val": 10, "test": 100}
        assert prepared.manifest.label_histogram["val"] == [5, 5]


def test_every_beginning_of_a_split_is_balanced(folder, tmp_path):
    prepared = prepare(Request("imdb", tmp_path, from_dir=folder, limit=60))
    assert prepared.manifest.counts == {"train": 54, "val": 6, "test": 60}
    for split in SPLITS:
        signs = 2 * prepared.split(split).targets.astype(int) - 1
        assert np.abs(np.cumsum(signs)).max() <= 1


@pytest.mark.parametrize("pool", [10, 11, 12, 13, 25, 99])
def test_odd_counts_are_dealt_as_evenly_as_they_can_be(reviews, tmp_path, folder, pool):
    prepared = prepare(Request("imdb", tmp_path, from_dir=folder, limit=pool))
    counts, histogram = prepared.manifest.counts, prepared.manifest.label_histogram
    assert counts["train"] + counts["val"] == pool
    for split in SPLITS:
        assert abs(histogram[split][0] - histogram[split][1]) <= 1


def test_the_seed_decides_the_order_and_the_order_of_reading_does_not(reviews):
    counts = {"train": 90, "val": 10, "test": 100}
    backwards = {key: texts[::-1] for key, texts in reversed(reviews.items())}
    first = arrange(reviews, counts, 1, "default")
    assert arrange(backwards, counts, 1, "default") == first
    other = arrange(reviews, counts, 2, "default")
    assert sorted(other["test"].texts) == sorted(first["test"].texts)
    assert other["test"].texts != first["test"].texts
    assert other["val"].texts != first["val"].texts


def test_what_the_publisher_put_into_both_parts_is_noted_and_no_more(folder, tmp_path, monkeypatch):
    prepare(Request("imdb", tmp_path, from_dir=folder))
    problems, notes = verify(tmp_path, "imdb")
    assert problems == []
    assert (
        sum("occur in test as well (in the publisher's files, too)" in note for note in notes) == 1
    )
    repeats = [int(note.split()[0]) for note in notes if "repeat another one" in note]
    assert sum(repeats) == 10
    monkeypatch.setattr(imdb, "KNOWN_OVERLAP", 0)
    prepare(Request("imdb", tmp_path, from_dir=folder, replace=True))
    (problem,) = verify(tmp_path, "imdb").problems
    assert "1 inputs of" in problem
    assert problem.endswith("occur in test as well")


def test_the_legacy_protocol_validates_on_test_and_says_so_everywhere(folder, tmp_path, capsys):
    words = ["--protocol", "lra-legacy", "--from-dir", str(folder), "--data-root", str(tmp_path)]
    assert main(["prepare", "imdb", *words]) == 0
    assert "imdb: protocol lra-legacy: validation is the test split" in capsys.readouterr().err
    prepared = ensure_prepared("imdb", tmp_path)
    manifest = prepared.manifest
    assert manifest.protocol == manifest.parameters["protocol"] == "lra-legacy"
    assert manifest.counts == {"train": 100, "val": 100, "test": 100}
    np.testing.assert_array_equal(prepared.split("val").inputs, prepared.split("test").inputs)
    np.testing.assert_array_equal(prepared.split("val").targets, prepared.split("test").targets)
    assert main(["verify", "imdb", "--data-root", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "imdb: note: val is the test split, as the protocol lra-legacy requires" in out
    assert "imdb: sound" in out


def test_the_legacy_protocol_is_only_used_when_asked_for(folder, tmp_path):
    prepare(Request("imdb", tmp_path, from_dir=folder, protocol="lra-legacy"))
    manifest = prepare(Request("imdb", tmp_path, from_dir=folder, replace=True)).manifest
    assert (manifest.protocol, manifest.protocol_stamp) == ("default", None)
    assert manifest.counts["val"] == 10
    with pytest.raises(ConfigError, check=lambda e: e.code == "prep.wrong-protocol"):
        prepare(Request("copy", tmp_path, protocol="lra-legacy"))


def test_validation_that_should_be_test_and_is_not_is_found(folder, tmp_path):
    prepared = prepare(Request("imdb", tmp_path, from_dir=folder))
    path = prepared.folder / "manifest.json"
    path.write_text(path.read_text().replace('"protocol": "default"', '"protocol": "lra-legacy"'))
    (problem,) = verify(tmp_path, "imdb").problems
    assert problem.startswith("val is not the test split")


def test_other_texts_than_the_published_ones_are_refused(folder, tmp_path):
    many = "".join(chr(0x4E00 + number) * 15 for number in range(200))
    (folder / "aclImdb/train/pos/3_10.txt").write_bytes(many.encode())
    with pytest.raises(DataDamaged, check=lambda e: e.code == "published.other-texts"):
        prepare(Request("imdb", tmp_path / "data", from_dir=folder))


def test_the_twin_can_be_learnt_by_counting_characters(tmp_path):
    twin = ensure_prepared("imdb", tmp_path, synthetic=True)
    assert twin.manifest.counts == {"train": 288, "val": 32, "test": 64}
    assert twin.manifest.chance == 0.5
    vectors = {}
    for split in ("train", "test"):
        inputs = np.asarray(twin.split(split).inputs)
        counts = np.stack([np.bincount(row, minlength=135) for row in inputs])[:, 2:]
        shares = counts / counts.sum(axis=1, keepdims=True)
        vectors[split] = np.column_stack([shares, np.ones(len(shares))])
    labels = {split: np.asarray(twin.split(split).targets) for split in vectors}
    weights = np.linalg.lstsq(vectors["train"], 2.0 * labels["train"] - 1, rcond=None)[0]
    assert ((vectors["test"] @ weights > 0) == labels["test"]).mean() > 0.8


@pytest.fixture
def published(raw_root: Path) -> Path:
    if not (raw_root / "aclImdb").is_dir():
        pytest.skip(f"needs {raw_root / 'aclImdb'}")
    return raw_root


@pytest.mark.slow
def test_the_full_data_set(published, tmp_path):
    prepared = prepare(Request("imdb", tmp_path, from_dir=published))
    manifest = prepared.manifest
    assert manifest.counts == {"train": 22_500, "val": 2_500, "test": 25_000}
    assert manifest.label_histogram["val"] == [1_250, 1_250]
    counted: Counter[str] = Counter()
    for file in (published / "aclImdb" / "train").glob("[np]*/*.txt"):
        counted.update(file.read_bytes().decode()[:4095])
    often = [character for character, count in counted.items() if count >= 15]
    often.sort(key=lambda character: (-counted[character], character))
    assert len(counted) == 178
    assert manifest.vocabulary[3:] == often
    assert len(manifest.vocabulary) == 134
    problems, notes = verify(tmp_path, "imdb")
    assert problems == []
    overlaps = [int(note.split()[0]) for note in notes if "occur in test as well" in note]
    assert sum(overlaps) == 123
    lengths = np.asarray(prepared.split("test").lengths)
    assert (lengths == 4096).mean() == pytest.approx(0.027, abs=0.0005)


@pytest.mark.slow
def test_the_full_data_set_in_the_legacy_protocol(published, tmp_path):
    manifest = prepare(
        Request("imdb", tmp_path, from_dir=published, protocol="lra-legacy")
    ).manifest
    assert manifest.counts == {"train": 25_000, "val": 25_000, "test": 25_000}
    assert len(manifest.vocabulary) == 134
    problems, notes = verify(tmp_path, "imdb")
    assert problems == []
    assert "96 inputs of train repeat another one of train" in notes
    assert "123 inputs of train occur in test as well (in the publisher's files, too)" in notes
