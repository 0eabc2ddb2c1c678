"""AAN from the release's files, from its archive and made up: encoding, splits, errors."""

import io
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from data_prep import Request, ensure_prepared, prepare
from data_prep.aan import pairs as aan_pairs
from data_prep.aan.pairs import FILES
from data_prep.aan.synthetic import pair_up
from data_prep.cli import main
from data_prep.fetching.long_range_arena import RELEASE
from lru_tune.data.store import PreparedTask
from lru_tune.data.verify import verify
from lru_tune.errors import DataDamaged, DataNotPrepared

Row = tuple[str, str, str]  # label and two texts

ROWS: dict[str, list[Row]] = {
    "train": [("1.0", "bab", "cc b"), ("0.0", "b" * 5000, ""), ("1", 'say "b', "é\r日")] * 4,
    "val": [("0.0", "zab", "b"), ("1.0", "a", "c" * 3999)],
    "test": [("1.0", "c" * 4000, "b"), ("0.0", "b", "c")],
}


def text(rows: Iterable[Row]) -> bytes:
    lines = (f"{label}\t{2 * i}\t{2 * i + 1}\t{a}\t{b}\n" for i, (label, a, b) in enumerate(rows))
    return "".join(lines).encode()


def lay_out(folder: Path, **files: bytes) -> Path:
    """Write the three files, with the contents of ROWS unless given, into a new folder."""
    folder.mkdir(parents=True)
    for split, file in FILES.items():
        (folder / file).write_bytes(files.get(split, text(ROWS[split])))
    return folder


def pack(archive: Path, folder: Path, names: Iterable[str]) -> Path:
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("lra_release/listops-1000/basic_train.tsv", *names):
            content = b"another task's"
            if (folder / Path(name).name).is_file():
                content = (folder / Path(name).name).read_bytes()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return archive


def spelt(prepared: PreparedTask, split: str, row: int) -> list[str]:
    arrays, vocabulary = prepared.split(split), prepared.manifest.vocabulary
    return [
        " ".join(vocabulary[token] for token in tokens[:length])
        for tokens, length in zip(arrays.inputs[row], arrays.lengths[row], strict=True)
    ]


@pytest.fixture(autouse=True)
def _no_raw_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LRU_TUNE_RAW", raising=False)


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> PreparedTask:
    return ensure_prepared("aan", tmp_path_factory.mktemp("data"), synthetic=True)


def test_characters_of_both_documents_are_encoded_and_cut(tmp_path):
    prepared = prepare(Request("retrieval", tmp_path / "data", from_dir=lay_out(tmp_path / "raw")))
    assert prepared.manifest.counts == {"train": 12, "val": 2, "test": 2}
    assert prepared.manifest.label_histogram["train"] == [4, 8]
    # By falling frequency, which are 4 * (4003, 2, 2, 2, 1, ...) here; ties by code point.
    characters = ["b", " ", "a", "c", "\r", '"', "s", "y", "é", "日"]
    assert prepared.manifest.vocabulary == ["<pad>", "<unk>", "<eos>", *characters]
    train = prepared.split("train")
    assert (train.inputs.dtype, train.lengths.dtype) == (np.uint8, np.uint16)
    assert train.inputs.shape == (12, 2, 4000)
    assert train.lengths[:3].tolist() == [[4, 5], [4000, 1], [7, 4]]
    assert train.targets[:3].tolist() == [1, 0, 1]
    assert spelt(prepared, "train", 0) == ["b a b <eos>", "c c   b <eos>"]
    assert spelt(prepared, "train", 1) == ["b " * 3999 + "<eos>", "<eos>"]
    assert spelt(prepared, "train", 2) == ['s a y   " b <eos>', "é \r 日 <eos>"]
    assert spelt(prepared, "val", 0) == ["<unk> a b <eos>", "b <eos>"]
    assert spelt(prepared, "val", 1)[1] == spelt(prepared, "test", 0)[0] == "c " * 3999 + "<eos>"
    assert verify(tmp_path / "data", "aan").problems == []


@pytest.mark.parametrize(
    "folder", [".", "tsv_data", "lra_release/tsv_data", "lra_release/lra_release/tsv_data"]
)
def test_the_files_are_found_where_the_release_has_them(tmp_path, folder):
    place = lay_out(tmp_path / "raw" / folder)
    found = aan_pairs.find_raw(tmp_path / "raw")
    assert found is not None
    assert found.resolve() == place.resolve()


@pytest.mark.parametrize("named", ["folder", "file", "downloads"])
def test_the_archive_gives_the_same_arrays_and_leaves_nothing_unpacked(tmp_path, named):
    files = lay_out(tmp_path / "files")
    plain = prepare(Request("aan", tmp_path / "plain", from_dir=files))
    raw = tmp_path / "data" / "raw" if named == "downloads" else tmp_path / "raw"
    raw.mkdir(parents=True)
    names = [f"lra_release/lra_release/tsv_data/{file}" for file in reversed(FILES.values())]
    archive = pack(raw / RELEASE.file, files, names)
    before = archive.read_bytes()
    from_dir = {"folder": raw, "file": archive, "downloads": None}[named]
    packed = prepare(Request("aan", tmp_path / "data", from_dir=from_dir))
    assert packed.manifest.fingerprint == plain.manifest.fingerprint
    assert list(packed.manifest.parameters["raw_sha256"]) == [RELEASE.file]
    assert archive.read_bytes() == before
    left = {path.name for path in (tmp_path / "data" / "raw").iterdir()}
    assert left <= {RELEASE.file}


def test_a_bad_archive_is_named_and_leaves_nothing(tmp_path):
    files = lay_out(tmp_path / "files")
    archive = pack(tmp_path / RELEASE.file, files, [f"tsv_data/{FILES['train']}"])
    with pytest.raises(DataDamaged) as raised:
        prepare(Request("aan", tmp_path / "data", from_dir=tmp_path))
    assert raised.value.code == "published.aan-incomplete"
    assert FILES["val"] in raised.value.problems[0].values["missing"]
    archive.write_bytes(archive.read_bytes()[:-20])
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.archive-damaged"):
        prepare(Request("aan", tmp_path / "data", from_dir=tmp_path))
    assert not any((tmp_path / "data" / "raw").iterdir())
    assert not (tmp_path / "data" / "aan").exists()


LINE = "1.0\t7\t8\tone\tother\n"


@pytest.mark.parametrize(
    ("content", "code", "line", "found"),
    [
        (b"", "pairs-empty", None, None),
        (LINE.encode() + b"1.0\t7\t8\tone\n", "pair-columns", 2, 4),
        (b"1.0\t7\t8\tone\tother\tthird\n", "pair-columns", 1, 6),
        (b"<!DOCTYPE html>\n", "pair-columns", 1, 1),
        (LINE.replace("1.0", "2.0").encode(), "pair-label", 1, "2.0"),
        (LINE.replace("1.0", "nan").encode(), "pair-label", 1, "nan"),
        (LINE.replace("1.0", "yes").encode(), "pair-label", 1, "yes"),
        (3 * LINE.encode() + b"1.0\t7\t8\t\xff\tother\n", "pair-not-utf8", 4, None),
        (2 * LINE.encode() + LINE.encode()[:-3], "pair-cut-short", 3, None),
    ],
)
def test_damaged_lines_are_named_with_file_and_line(tmp_path, content, code, line, found, capsys):
    root = tmp_path / "data"
    sound = prepare(Request("aan", root, from_dir=lay_out(tmp_path / "raw")))
    damaged = lay_out(tmp_path / "damaged", val=content)
    with pytest.raises(DataDamaged) as raised:
        prepare(Request("aan", root, from_dir=damaged, replace=True))
    (problem,) = raised.value.problems
    assert (problem.code, problem.line) == (f"published.{code}", line)
    assert problem.file == str(damaged / FILES["val"])
    assert problem.values.get("found") == found
    words = ["prepare", "aan", "--from-dir", str(damaged), "--data-root", str(root)]
    assert main([*words, "--replace"]) == 3
    assert str(damaged / FILES["val"]) in capsys.readouterr().err
    assert main(words) == 2
    assert "raw_sha256 differs" in capsys.readouterr().err
    # What lay there lies there still, and nothing else.
    assert verify(root, "aan").problems == []
    assert {path.name for path in root.iterdir()} == {"aan", ".aan.lock"}
    (damaged / FILES["val"]).write_bytes(text(ROWS["val"]))
    assert (
        prepare(Request("aan", root, from_dir=damaged)).manifest.fingerprint
        == sound.manifest.fingerprint
    )


def test_a_file_without_line_breaks_is_not_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(aan_pairs, "MOST_BYTES", 1000)
    raw = lay_out(tmp_path / "raw", train=os.urandom(5000).replace(b"\n", b"."))
    with pytest.raises(DataDamaged, check=lambda e: e.code == "published.pair-too-long"):
        prepare(Request("aan", tmp_path / "data", from_dir=raw))


def test_slices_do_not_show(tmp_path, monkeypatch):
    raw = lay_out(tmp_path / "raw")
    whole = prepare(Request("aan", tmp_path / "whole", from_dir=raw))
    monkeypatch.setattr(aan_pairs, "PAIRS_AT_ONCE", 5)
    sliced = prepare(Request("aan", tmp_path / "sliced", from_dir=raw))
    assert sliced.manifest == whole.manifest


def test_a_limit_takes_the_first_pairs_and_their_characters(tmp_path):
    rows = [("0.0", "ab", "b")] * 10 + [("1.0", "zzzz", "z")] * 5
    raw = lay_out(tmp_path / "raw", train=text(rows))
    limited = prepare(Request("aan", tmp_path / "data", from_dir=raw, limit=10))
    assert limited.manifest.counts == {"train": 10, "val": 1, "test": 1}
    assert limited.manifest.vocabulary == ["<pad>", "<unk>", "<eos>", "b", "a"]


def test_characters_beyond_the_one_hot_code_become_unknown(tmp_path):
    rows = [(f"{i % 2}", chr(0x4E00 + i) * (200 - i), "b") for i in range(150)]
    raw = lay_out(tmp_path / "raw", train=text(rows))
    prepared = prepare(Request("aan", tmp_path / "data", from_dir=raw))
    assert len(prepared.manifest.vocabulary) == 128
    assert spelt(prepared, "train", 123)[0].startswith(chr(0x4E00 + 123))
    assert spelt(prepared, "train", 149) == [" ".join(["<unk>"] * 51 + ["<eos>"]), "b <eos>"]
    assert verify(tmp_path / "data", "aan").problems == []


def test_what_cannot_be_fetched_is_explained(tmp_path):
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "fetch.aan-by-hand") as raised:
        prepare(Request("aan", tmp_path / "data"))
    assert f"prepare aan --data-root {tmp_path / 'data'} --from-dir" in str(raised.value)
    with pytest.raises(DataNotPrepared):
        ensure_prepared("aan", tmp_path / "data")
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "prep.files-not-found"):
        prepare(Request("aan", tmp_path / "data", from_dir=tmp_path))


def test_the_twin_has_the_shape_and_range_of_the_real_thing(twin):
    train = twin.split("train")
    assert train.inputs.shape == (256, 2, 4000)
    assert (train.inputs.dtype, train.lengths.dtype) == (np.uint8, np.uint16)
    assert train.lengths.max() == 4000
    assert train.lengths.min() < 500
    assert twin.manifest.label_histogram == {
        "train": [128, 128],
        "val": [32, 32],
        "test": [32, 32],
    }
    assert not (twin.folder.parents[1] / "raw").exists()


def test_documents_of_the_twin_share_their_letters_if_they_belong_together(twin):
    """The letters of the first 100 characters reveal nearly every label, so a small model can learn."""
    test = twin.split("test")
    counts = np.apply_along_axis(np.bincount, 2, test.inputs[:, :, :100], minlength=128)[..., 4:]
    a, b = (counts / np.linalg.norm(counts, axis=2, keepdims=True)).swapaxes(0, 1)
    together = np.sum(a * b, axis=1) > 0.7
    assert np.mean(together == test.targets) > 0.95


def test_the_seed_decides_the_twin(tmp_path):
    first, again, other = ([*pair_up(np.random.default_rng(seed), count=6)] for seed in (1, 1, 2))
    assert first == again != other
    assert sum(label for label, _, _ in first) == 3
