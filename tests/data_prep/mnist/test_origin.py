"""MNIST: the publisher's files, the fixed split, the two orders, the synthetic twin."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_prep import Request, ensure_prepared, prepare
from data_prep.fetching import download as fetch
from data_prep.mnist.origin import FILES, bit_reversal
from lru_tune.data.verify import verify
from lru_tune.errors import DataDamaged, DataNotPrepared

SOURCES = [file.packed for file in FILES.values()]

pytestmark = pytest.mark.usefixtures("no_raw_files")


@pytest.fixture
def published(raw_root: Path) -> Path:
    folder = raw_root / "MNIST" / "raw"
    if not (folder / SOURCES[0].file).is_file():
        pytest.skip(f"needs {folder / SOURCES[0].file}")
    return raw_root


def test_the_order_of_psmnist_is_bit_reversal():
    order = bit_reversal()
    assert sorted(order) == list(range(784))
    # 1024 places of 10 bits: 0, 512, 256, 768, 128, 640, (896 is no pixel), 64, ...
    assert order[:7].tolist() == [0, 512, 256, 768, 128, 640, 384]
    assert order[7] == 64


def test_the_twin_has_the_shape_of_the_task_and_can_be_learnt(tmp_path):
    plain = ensure_prepared("smnist", tmp_path, synthetic=True)
    permuted = ensure_prepared("psmnist", tmp_path, synthetic=True)
    assert plain.folder == tmp_path / "synthetic" / "smnist"
    assert plain.manifest.synthetic
    assert plain.manifest.counts == {"train": 288, "val": 32, "test": 64}
    train, test = plain.split("train"), plain.split("test")
    assert train.inputs.shape == (288, 784, 1)
    np.testing.assert_array_equal(
        permuted.split("test").inputs, np.asarray(test.inputs)[:, bit_reversal()]
    )
    np.testing.assert_array_equal(permuted.split("test").targets, test.targets)
    known, asked = (np.asarray(s.inputs[:, :, 0], np.float32) for s in (train, test))
    distances = ((asked[:, None] - known[None]) ** 2).sum(axis=2)
    guesses = np.asarray(train.targets)[distances.argmin(axis=1)]
    assert (guesses == test.targets).mean() > 0.7  # nearest neighbour; chance is 0.1
    assert verify(tmp_path / "synthetic", "smnist").problems == []


def test_a_limited_data_set(published, tmp_path):
    prepared = prepare(Request("smnist", tmp_path, from_dir=published, limit=12_000))
    assert prepared.manifest.counts == {"train": 10_800, "val": 1_200, "test": 2_000}
    content = gzip.decompress((published / "MNIST/raw/train-labels-idx1-ubyte.gz").read_bytes())
    first = np.bincount(np.frombuffer(content, np.uint8, offset=8)[:12_000])
    histogram = prepared.manifest.label_histogram
    np.testing.assert_array_equal(np.add(histogram["train"], histogram["val"]), first)
    assert verify(tmp_path, "smnist").problems == []


@pytest.mark.slow
def test_the_full_data_sets(published, tmp_path):
    plain = prepare(Request("mnist", tmp_path, from_dir=published))
    permuted = prepare(Request("pmnist", tmp_path, from_dir=published))
    for prepared in (plain, permuted):
        assert prepared.manifest.counts == {"train": 54_000, "val": 6_000, "test": 10_000}
        assert prepared.manifest.chance == pytest.approx(0.1135)
        assert verify(tmp_path, prepared.manifest.task).problems == []
    train = np.asarray(plain.split("train").inputs)
    assert train.mean() / 255 == pytest.approx(0.1307, abs=0.001)  # the often quoted mean
    np.testing.assert_array_equal(permuted.split("train").inputs, train[:, bit_reversal()])
    np.testing.assert_array_equal(permuted.split("val").targets, plain.split("val").targets)


def test_unpacked_files_are_read_as_well(published, tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    for file in FILES.values():
        packed = (published / "MNIST" / "raw" / file.packed.file).read_bytes()
        (raw / file.unpacked.file).write_bytes(gzip.decompress(packed))
    unpacked = prepare(Request("smnist", tmp_path / "a", from_dir=raw, limit=1000))
    packed = prepare(Request("smnist", tmp_path / "b", from_dir=published, limit=1000))
    assert unpacked.manifest == packed.manifest


def test_files_named_by_the_environment_are_found(published, tmp_path, monkeypatch):
    monkeypatch.setenv("LRU_TUNE_RAW", str(published))
    said: list[str] = []
    prepared = ensure_prepared("psmnist", tmp_path, log=said.append)
    assert prepared.manifest.counts["train"] == 54_000
    assert said[0] == f"preparing psmnist in {tmp_path}"


@pytest.mark.parametrize(
    ("content", "hint"), [(b"\x1f\x8bbroken", ""), (b"<!DOCTYPE html>", "HTML")]
)
def test_a_file_with_another_checksum_is_refused(tmp_path, content, hint):
    for source in SOURCES:
        (tmp_path / source.file).write_bytes(content)
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.wrong-checksum") as raised:
        prepare(Request("smnist", tmp_path / "data", from_dir=tmp_path))
    values = raised.value.problems[0].values
    assert values["path"] == tmp_path / SOURCES[0].file
    assert hint in values["note"]
    assert not (tmp_path / "data" / "smnist").exists()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\x1f\x8bbroken", "published.mnist-damaged"),
        (gzip.compress(bytes(100)), "published.mnist-size"),
    ],
    ids=["broken", "short"],  # gzip writes the time: two test processes must collect the same names
)
def test_what_is_no_mnist_is_refused_even_without_checksums(tmp_path, content, code):
    for source in SOURCES:
        (tmp_path / source.file).write_bytes(content)
    with pytest.raises(DataDamaged, check=lambda e: e.code == code):
        prepare(
            Request("smnist", tmp_path / "data", from_dir=tmp_path, allow_checksum_mismatch=True)
        )


def test_files_packed_anew_are_taken_when_asked_and_put_on_record(tmp_path):
    for file in FILES.values():
        content = bytes(file.unpacked.bytes)
        (tmp_path / file.packed.file).write_bytes(gzip.compress(content, 1))
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.wrong-checksum"):
        prepare(Request("smnist", tmp_path / "data", from_dir=tmp_path, limit=10))
    taken = prepare(
        Request(
            "smnist", tmp_path / "data", from_dir=tmp_path, limit=10, allow_checksum_mismatch=True
        )
    )
    assert set(taken.manifest.parameters["unofficial_md5"]) == {s.file for s in SOURCES}


def test_an_empty_folder_is_told_what_it_lacks(tmp_path):
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "prep.files-not-found"):
        prepare(Request("smnist", tmp_path / "data", from_dir=tmp_path))


def test_without_files_it_is_not_prepared_by_itself(tmp_path):
    with pytest.raises(DataNotPrepared, match="python -m data_prep prepare psmnist"):
        ensure_prepared("psmnist", tmp_path)


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Path], None]:
    """Make a folder the mirror of the files, without waiting between attempts."""
    monkeypatch.setattr(fetch, "WAITS_SECONDS", ())

    def redirect(folder: Path) -> None:
        for part, file in FILES.items():
            url = (folder / file.packed.file).as_uri()
            monkeypatch.setitem(FILES, part, file._replace(packed=file.packed._replace(url=url)))

    return redirect


def test_without_a_network_the_way_out_is_told(mirror, tmp_path):
    mirror(tmp_path / "nowhere")
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "fetch.download-failed"):
        prepare(Request("smnist", tmp_path))
    assert not (tmp_path / "smnist").exists()


def test_what_was_fetched_once_is_not_fetched_again(mirror, published, tmp_path):
    mirror(published / "MNIST" / "raw")
    prepare(Request("smnist", tmp_path, limit=100))
    mirror(tmp_path / "nowhere")
    prepare(Request("psmnist", tmp_path, limit=100))
    fetched = {path.name for path in (tmp_path / "raw" / "MNIST" / "raw").glob("*.gz")}
    assert fetched == {source.file for source in SOURCES}


def test_a_file_put_there_by_hand_is_taken_and_checked(mirror, tmp_path):
    mirror(tmp_path / "nowhere")
    folder = tmp_path / "raw" / "MNIST" / "raw"
    folder.mkdir(parents=True)
    (folder / SOURCES[0].file).write_bytes(b"<!DOCTYPE html>")
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.wrong-file"):
        prepare(Request("smnist", tmp_path))
