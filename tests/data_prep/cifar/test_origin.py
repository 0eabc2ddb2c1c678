"""CIFAR-10: batches, checksums, colour and grey, the carved split, downloads, the synthetic twin."""

import hashlib
import pickle
import shutil
import sys
import types
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep import Request, ensure_prepared, expected_counts, prepare
from data_prep.cifar.batches import IMAGES, NUMBERS, read_batch
from data_prep.cifar.origin import COPIED, PUBLISHED, colour_pixels, grey_pixels
from data_prep.cifar.sources import (
    ARCHIVE,
    BATCHES,
    FILES,
    FOLDER,
    LABELS_SHA256,
    SOURCES,
    arrange,
)
from data_prep.cifar.synthetic import SHAPES
from data_prep.fetching.checksums import Source, md5_of
from lru_tune.data.manifest import SplitName
from lru_tune.data.store import PreparedTask
from lru_tune.data.verify import verify
from lru_tune.errors import DataDamaged, DataNotPrepared

CLASSES = 10
FEW = 1_000  # images in a batch of noise


pytestmark = pytest.mark.usefixtures("no_raw_files")


@pytest.fixture
def published(raw_root: Path) -> Path:
    if not (raw_root / FOLDER / "test_batch").is_file():
        pytest.skip(f"needs {raw_root / FOLDER}")
    return raw_root


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw") / FOLDER
    folder.mkdir()
    for number, name in enumerate(BATCHES):
        rng = np.random.default_rng(number)
        images = rng.integers(0, 256, (FEW, NUMBERS), np.uint8)
        labels = rng.permutation(np.arange(FEW) % CLASSES).tolist()
        (folder / name).write_bytes(pickle.dumps({b"data": images, b"labels": labels}, protocol=4))
    return folder.parent


@pytest.fixture
def batches(noise: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with six small batches of noise; every image occurs once."""
    monkeypatch.setattr("data_prep.cifar.batches.IMAGES", FEW)
    monkeypatch.setattr("data_prep.cifar.sources.IMAGES", FEW)
    monkeypatch.setattr("data_prep.cifar.origin.TRAIN", 5 * FEW)
    monkeypatch.setattr("data_prep.cifar.origin.TEST", FEW)
    return noise


@pytest.fixture
def official(batches: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of noise, with its checksums as the publisher's."""
    for name in BATCHES:
        md5 = md5_of(batches / FOLDER / name)
        monkeypatch.setitem(SOURCES, name, SOURCES[name]._replace(md5=md5))
    return batches


def rows_of(prepared: PreparedTask, *splits: SplitName) -> np.ndarray:
    """Inputs of some splits joined, sorted so that their order does not matter."""
    joined = np.concatenate([np.asarray(prepared.split(split).inputs) for split in splits])
    flat = joined.reshape(len(joined), -1)
    return flat[np.lexsort(flat.T[:8])]


def test_colour_keeps_the_order_of_pixels_and_channels():
    image = np.zeros((3, 32, 32), np.uint8)
    image[:, 2, 5] = (10, 20, 30)
    pixels = colour_pixels(image.reshape(1, -1))
    assert pixels.shape == (1, 1024, 3)
    assert pixels[0, 2 * 32 + 5].tolist() == [10, 20, 30]
    assert pixels.sum() == 60


def test_grey_is_the_luma_of_pillow_in_whole_numbers():
    planes = np.random.default_rng(0).integers(0, 256, (200, NUMBERS), np.uint8)
    grey = grey_pixels(planes)
    assert (grey.shape, grey.dtype) == ((200, 1024, 1), np.uint8)
    red, green, blue = planes.reshape(200, 3, 1024).astype(np.int64).transpose(1, 0, 2)
    # 0.299, 0.587 and 0.114 in units of 2**-16, rounded to the nearest.
    luma = (19_595 * red + 38_470 * green + 7_471 * blue + 2**15) >> 16
    np.testing.assert_array_equal(grey[..., 0], luma)
    picture = Image.fromarray(planes[7].reshape(3, 32, 32).transpose(1, 2, 0)).convert("L")
    np.testing.assert_array_equal(grey[7, :, 0], np.asarray(picture).ravel())


@pytest.mark.parametrize(("task", "width"), [("scifar", 3), ("cifar-gray", 1)])
def test_the_twin_has_the_shape_of_the_task_and_can_be_learnt(tmp_path, task, width):
    twin = ensure_prepared(task, tmp_path, synthetic=True)
    assert twin.manifest.counts == {"train": 288, "val": 32, "test": 64}
    assert len(twin.manifest.label_histogram["train"]) == len(SHAPES) == CLASSES
    train, test = twin.split("train"), twin.split("test")
    assert (train.inputs.shape, train.inputs.dtype) == ((288, 1024, width), np.uint8)
    known, asked = (
        np.asarray(s.inputs, np.float32).reshape(-1, 1024 * width) for s in (train, test)
    )
    distances = ((asked[:, None] - known[None]) ** 2).sum(axis=2)
    guesses = np.asarray(train.targets)[distances.argmin(axis=1)]
    assert (guesses == test.targets).mean() > 0.7  # nearest neighbour; chance is 0.1


def test_validation_is_carved_from_the_batches_in_order(official, tmp_path):
    prepared = prepare(Request("scifar", tmp_path, from_dir=official, limit=1_200))
    manifest = prepared.manifest
    assert manifest.counts == {"train": 1_080, "val": 120, "test": 240}
    assert manifest.source == PUBLISHED
    assert manifest.parameters["unofficial_md5"] == {}
    first, second, test = (
        read_batch(official / FOLDER / name) for name in (*BATCHES[:2], "test_batch")
    )
    pool = np.concatenate([first.images, second.images[:200]])
    expected = colour_pixels(pool).reshape(1_200, -1)
    np.testing.assert_array_equal(
        rows_of(prepared, "train", "val"), expected[np.lexsort(expected.T[:8])]
    )
    np.testing.assert_array_equal(prepared.split("test").inputs, colour_pixels(test.images[:240]))
    np.testing.assert_array_equal(prepared.split("test").targets, test.labels[:240])
    assert verify(tmp_path, "scifar").problems == []


def test_grey_and_colour_share_splits_and_labels(official, tmp_path):
    colour = prepare(Request("scifar", tmp_path, from_dir=official, limit=500))
    grey = prepare(Request("image", tmp_path, from_dir=official / FOLDER, limit=500))
    for split in ("train", "val", "test"):
        planes = np.asarray(colour.split(split).inputs).transpose(0, 2, 1).reshape(-1, NUMBERS)
        np.testing.assert_array_equal(grey.split(split).inputs, grey_pixels(planes))
        np.testing.assert_array_equal(grey.split(split).targets, colour.split(split).targets)


def test_another_checksum_is_refused_and_the_way_out_can_be_typed(batches, tmp_path, monkeypatch):
    monkeypatch.setenv("LRU_TUNE_RAW", str(batches))
    folder = batches / FOLDER
    command = (
        f"python -m data_prep prepare scifar --data-root {tmp_path} "
        f"--from-dir {folder} --allow-checksum-mismatch"
    )
    for attempt in (ensure_prepared, expected_counts, lambda *task: prepare(Request(*task))):
        with pytest.raises(DataDamaged) as refused:
            attempt("scifar", tmp_path)
        assert refused.value.code == "fetch.wrong-checksum"
        values = refused.value.problems[0].values
        assert (values["path"], values["wrong"]) == (folder / "data_batch_1", 6)
        assert values["expected"] == SOURCES["data_batch_1"].md5
        assert str(refused.value).endswith(f"  {command}")
    assert not (tmp_path / "scifar").exists()


def test_a_waived_checksum_is_on_record(batches, tmp_path):
    prepared = prepare(
        Request("scifar", tmp_path, from_dir=batches, limit=100, allow_checksum_mismatch=True)
    )
    found = prepared.manifest.parameters["unofficial_md5"]
    assert found == {name: md5_of(batches / FOLDER / name) for name in BATCHES}
    again = ensure_prepared("scifar", tmp_path)
    assert again.manifest == prepared.manifest
    with pytest.raises(DataDamaged, match=r"--limit 100 --allow-checksum-mismatch$"):
        prepare(Request("scifar", tmp_path, from_dir=batches, limit=100))


def test_one_damaged_batch_is_named_and_nothing_is_left(official, tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    for name in BATCHES:
        (folder / name).symlink_to(official / FOLDER / name)
    cut = folder / "data_batch_4"
    content = cut.read_bytes()[:-10_000]
    cut.unlink()
    cut.write_bytes(content)
    with pytest.raises(DataDamaged, check=lambda e: e.problems[0].values["wrong"] == 1):
        prepare(Request("scifar", tmp_path / "data", from_dir=folder))
    with pytest.raises(DataDamaged, check=lambda e: e.code == "published.broken-pickle"):
        prepare(Request("scifar", tmp_path / "data", from_dir=folder, allow_checksum_mismatch=True))
    assert [path.name for path in (tmp_path / "data").iterdir()] == [".scifar.lock"]


def test_a_missing_batch_is_named(official, tmp_path):
    folder = tmp_path / FOLDER
    shutil.copytree(official / FOLDER, folder, copy_function=link)
    (folder / "data_batch_3").unlink()
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "prep.files-not-found"):
        prepare(Request("scifar", tmp_path / "data", from_dir=tmp_path))


def test_without_files_it_is_not_prepared_by_itself(tmp_path):
    with pytest.raises(DataNotPrepared, match="python -m data_prep prepare cifar-gray"):
        ensure_prepared("cifar-gray", tmp_path)


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    for package in packages:
        monkeypatch.setitem(sys.modules, package, None)


def with_package(monkeypatch: pytest.MonkeyPatch, name: str, **content: object) -> None:
    """Pretend that a package is installed."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        module = types.ModuleType(".".join(parts[:depth]))
        module.__spec__ = ModuleSpec(module.__name__, None)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    vars(module).update(content)


def with_hub(monkeypatch: pytest.MonkeyPatch, load_dataset: Callable[..., object]) -> None:
    exceptions = types.SimpleNamespace(DatasetsError=ValueError)
    with_package(monkeypatch, "datasets", load_dataset=load_dataset, exceptions=exceptions)


def test_with_neither_package_the_way_out_is_told(tmp_path, monkeypatch):
    without(monkeypatch, "torchvision", "datasets")
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "fetch.no-torchvision"):
        prepare(Request("scifar", tmp_path))
    assert not (tmp_path / "scifar").exists()


def failing(error: Exception) -> Callable[..., None]:
    def fetch(*_: object, **__: object) -> None:
        raise error

    return fetch


def test_without_a_network_the_way_out_is_told(tmp_path, monkeypatch):
    with_package(monkeypatch, "torchvision.datasets", CIFAR10=failing(AssertionError("asked")))
    nowhere = ARCHIVE._replace(url=(tmp_path / ARCHIVE.file).as_uri())
    monkeypatch.setattr("data_prep.cifar.sources.ARCHIVE", nowhere)
    monkeypatch.setattr("data_prep.fetching.download.WAITS_SECONDS", ())
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "fetch.download-failed"):
        prepare(Request("scifar", tmp_path))


@pytest.mark.parametrize(
    "error", [RuntimeError("File not found or corrupted."), OSError("disk quota")]
)
def test_where_nothing_can_be_unpacked_the_way_out_is_told(tmp_path, monkeypatch, error):
    monkeypatch.setattr("data_prep.cifar.sources.fetch", lambda *_: None)
    with_package(monkeypatch, "torchvision.datasets", CIFAR10=failing(error))
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "fetch.cifar-not-unpacked"):
        prepare(Request("scifar", tmp_path))


def test_the_archive_is_fetched_once_and_torchvision_unpacks_it(official, tmp_path, monkeypatch):
    fetched: list[tuple[Source, Path]] = []
    monkeypatch.setattr(
        "data_prep.cifar.sources.fetch",
        lambda source, folder, _progress: fetched.append((source, folder)),
    )

    def unpack(root: str, train: bool, download: bool) -> None:
        assert download
        shutil.copytree(official / FOLDER, Path(root) / FOLDER, copy_function=link)

    with_package(monkeypatch, "torchvision.datasets", CIFAR10=unpack)
    with_package(monkeypatch, "datasets")  # is not asked
    fetched_first = prepare(Request("scifar", tmp_path, limit=100))
    prepare(Request("cifar-gray", tmp_path, limit=100))
    assert fetched == [(ARCHIVE, tmp_path / "raw")]
    by_hand = prepare(Request("scifar", tmp_path / "by-hand", from_dir=official, limit=100))
    assert by_hand.manifest == fetched_first.manifest


def link(source: str, target: str) -> None:
    Path(target).symlink_to(source)


class Rows:
    """The part of `datasets.Dataset` that is used."""

    column_names = ("img", "label")

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = images, labels

    def __getitem__(self, key):
        if key == "label":
            return self.labels.tolist()
        pictures = self.images[key].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return {"img": [Image.fromarray(picture) for picture in pictures]}


def test_the_hub_gives_what_the_batches_give(official, tmp_path, monkeypatch):
    """The Hub has the batches in another order."""
    parts = {
        "train": [read_batch(official / FOLDER / f"data_batch_{n}") for n in (4, 3, 2, 5, 1)],
        "test": [read_batch(official / FOLDER / "test_batch")],
    }
    hub = {
        part: Rows(*(np.concatenate(arrays) for arrays in zip(*content, strict=True)))
        for part, content in parts.items()
    }
    for name in BATCHES:
        labels = read_batch(official / FOLDER / name).labels
        monkeypatch.setitem(LABELS_SHA256, name, hashlib.sha256(labels.tobytes()).hexdigest())
    asked: list[tuple[str, str]] = []

    def load_dataset(path: str, split: str, cache_dir: str) -> Rows:
        asked.append((path, cache_dir))
        return hub[split]

    without(monkeypatch, "torchvision")
    with_hub(monkeypatch, load_dataset)
    copied = prepare(Request("scifar", tmp_path / "hub", limit=1_050))
    assert set(asked) == {("uoft-cs/cifar10", str(tmp_path / "hub" / "raw" / "huggingface"))}
    assert copied.manifest.source == COPIED
    ours = prepare(Request("scifar", tmp_path / "batches", from_dir=official, limit=1_050))
    assert copied.manifest.fingerprint == ours.manifest.fingerprint


def test_a_hub_out_of_reach_tells_the_way_out(tmp_path, monkeypatch):
    without(monkeypatch, "torchvision")
    with_hub(monkeypatch, failing(ConnectionError("Couldn't reach it")))
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "fetch.hub-failed"):
        prepare(Request("scifar", tmp_path))


def test_other_labels_or_columns_on_the_hub_are_refused():
    rows = Rows(np.zeros((IMAGES, NUMBERS), np.uint8), np.zeros(IMAGES, np.uint8))
    with pytest.raises(DataDamaged, check=lambda e: e.code == "published.hub-labels"):
        next(arrange(rows, "test"))
    rows.column_names = ("image", "label")
    with pytest.raises(DataDamaged, check=lambda e: e.code == "published.hub-columns"):
        next(arrange(rows, "test"))


@pytest.mark.slow
def test_the_full_data_sets(published, tmp_path):
    colour = prepare(Request("scifar", tmp_path, from_dir=published, allow_checksum_mismatch=True))
    grey = prepare(
        Request("cifar-gray", tmp_path, from_dir=published, allow_checksum_mismatch=True)
    )
    for prepared in (colour, grey):
        histogram = prepared.manifest.label_histogram
        assert prepared.manifest.counts == {"train": 45_000, "val": 5_000, "test": 10_000}
        assert np.add(histogram["train"], histogram["val"]).tolist() == [5_000] * CLASSES
        assert histogram["test"] == [1_000] * CLASSES
        assert prepared.manifest.chance == 0.1
        assert verify(tmp_path, prepared.manifest.task).problems == []
    pool = np.concatenate([np.asarray(colour.split(split).inputs) for split in ("train", "val")])
    # Known of the publisher's training images; of 255.
    np.testing.assert_allclose(pool.mean((0, 1)) / 255, (0.49140, 0.48216, 0.44653), atol=2e-5)
    np.testing.assert_allclose(
        pool.std((0, 1), dtype=np.float64) / 255, (0.24703, 0.24348, 0.26159), atol=2e-5
    )
    lumas = np.concatenate([np.asarray(grey.split(split).inputs) for split in ("train", "val")])
    assert lumas.mean() == pytest.approx(122.6, abs=2.0)  # what the loaders of S4 and S5 assume
    assert lumas.std(dtype=np.float64) == pytest.approx(61, abs=2.0)


def test_the_labels_of_the_publishers_batches_are_known(published):
    for name in (name for part in FILES.values() for name in part):
        labels = read_batch(published / FOLDER / name).labels
        assert hashlib.sha256(labels.tobytes()).hexdigest() == LABELS_SHA256[name]
