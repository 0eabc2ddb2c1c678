"""Pathfinder from the release's image folders: finding them, splits, errors."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep import Request, prepare
from data_prep.pathfinder.folders import KNOWN_EMPTY, find_folder, metadata_files
from lru_tune.data.manifest import SPLITS
from lru_tune.data.verify import verify
from lru_tune.errors import ConfigError, DataDamaged, DataNotPrepared

HARD = "curv_contour_length_14"
PER_BATCH = 20


def png(number: int, size: int = 32, mode: str = "L") -> bytes:
    """An image whose first pixels encode its number."""
    pixels = np.zeros((size, size), np.uint8)
    pixels[0, :2] = divmod(number, 256)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "PNG")
    return file.getvalue()


def write_release(root: Path, size: int = 32, difficulty: str = HARD, batches: int = 3) -> Path:
    """Write a release of 20 images per batch; the label of image n is 1 if n is a multiple of 3."""
    folder = root / f"pathfinder{size}" / difficulty
    (folder / "metadata").mkdir(parents=True)
    # Batches 9, 10, 11: their order by number is not that of their names.
    for position, batch in enumerate(range(9, 9 + batches)):
        images = folder / "imgs" / str(batch)
        images.mkdir(parents=True)
        lines = []
        for i in range(PER_BATCH):
            number = position * PER_BATCH + i
            (images / f"sample_{i}.png").write_bytes(png(number, size))
            label = int(number % 3 == 0)
            lines.append(f"imgs/{batch} sample_{i}.png {i} {label} 1.0 14 4 2 0.5 1 1\n")
        (folder / "metadata" / f"{batch}.npy").write_text("".join(lines))
    return folder


def numbers(inputs: np.ndarray) -> np.ndarray:
    return inputs[:, 0, 0].astype(int) * 256 + inputs[:, 1, 0]


def test_all_images_are_dealt_out_with_their_labels(tmp_path):
    write_release(tmp_path / "raw")
    prepared = prepare(Request("pathfinder", tmp_path, from_dir=tmp_path / "raw"))
    assert prepared.manifest.counts == {"train": 48, "val": 6, "test": 6}
    assert prepared.manifest.source == "images of the Long Range Arena release"
    assert verify(tmp_path, "pathfinder").problems == []
    found = []
    for name in SPLITS:
        split = prepared.split(name)
        np.testing.assert_array_equal(split.targets, numbers(split.inputs) % 3 == 0)
        found += numbers(split.inputs).tolist()
    assert sorted(found) == list(range(60))
    assert found != sorted(found)


def test_a_changed_image_is_noticed(tmp_path):
    folder = write_release(tmp_path / "raw")
    said: list[str] = []
    first = prepare(Request("pathfinder", tmp_path, from_dir=tmp_path / "raw"))
    again = prepare(Request("pathfinder", tmp_path, from_dir=tmp_path / "raw"), log=said.append)
    assert again == first
    assert len(said) == 2  # it is prepared; not the whole release
    image = folder / "imgs" / "10" / "sample_3.png"
    size = image.stat().st_size
    image.write_bytes(png(99))
    assert image.stat().st_size == size, "its size alone does not show it"
    with pytest.raises(ConfigError, check=lambda e: e.code == "prep.other-arrays"):
        prepare(Request("pathfinder", tmp_path, from_dir=tmp_path / "raw"))
    prepared = prepare(Request("pathfinder", tmp_path, from_dir=tmp_path / "raw", replace=True))
    assert prepared.manifest.fingerprint != first.manifest.fingerprint


def test_more_of_the_same_release_replaces(tmp_path):
    write_release(tmp_path / "raw")
    prepare(Request("pathfinder", tmp_path, from_dir=tmp_path / "raw", limit=10))
    prepared = prepare(Request("pathfinder", tmp_path, from_dir=tmp_path / "raw"))
    assert prepared.manifest.counts["train"] == 48


def test_a_release_that_is_not_whole_is_told(tmp_path):
    write_release(tmp_path / "raw")
    said: list[str] = []
    for _ in range(2):  # also of what lies there
        prepare(Request("pathfinder", tmp_path, from_dir=tmp_path / "raw"), log=said.append)
        assert said[-1] == (
            "warning: pathfinder: the files are not the whole release: "
            "48 of 160,000 train, 6 of 20,000 val, 6 of 20,000 test examples"
        )
    few: list[str] = []
    prepare(
        Request("pathfinder", tmp_path / "few", from_dir=tmp_path / "raw", limit=20), log=few.append
    )
    assert few == []


@pytest.mark.parametrize("within", [".", "pathfinder32", f"pathfinder32/{HARD}"])
def test_the_folder_or_a_parent_of_it_is_accepted(tmp_path, within):
    write_release(tmp_path / "raw")
    prepared = prepare(
        Request("pathfinder", tmp_path, from_dir=tmp_path / "raw" / within, limit=10)
    )
    assert prepared.manifest.counts == {"train": 10, "val": 1, "test": 1}


def test_the_release_unpacked_twice_is_found_and_others_are_not(tmp_path):
    write_release(tmp_path / "lra_release" / "lra_release")
    assert find_folder(tmp_path) == tmp_path / "lra_release" / "lra_release"
    assert (
        find_folder(tmp_path / "lra_release" / "lra_release" / "pathfinder32" / HARD / "imgs")
        is None
    )


def test_workers_do_not_matter_nor_does_a_limit_change_the_first_images(tmp_path):
    write_release(tmp_path / "raw")
    one, two, few = (
        prepare(Request("pathfinder", tmp_path / str(i), from_dir=tmp_path / "raw", **arguments))
        for i, arguments in enumerate([{}, {"workers": 2}, {"limit": 20}])
    )
    assert one.manifest == two.manifest
    np.testing.assert_array_equal(few.split("val").inputs, one.split("val").inputs[:2])


def test_pathx_wants_images_of_its_size(tmp_path):
    write_release(tmp_path / "raw", size=32)
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "prep.files-not-found"):
        prepare(Request("pathx", tmp_path, from_dir=tmp_path / "raw"))
    write_release(tmp_path / "raw", size=128, batches=1)
    prepared = prepare(Request("pathx", tmp_path, from_dir=tmp_path / "raw"))
    assert prepared.split("train").inputs.shape == (16, 128 * 128, 1)


def test_the_known_empty_image_is_skipped_by_name(tmp_path, caplog):
    folder = write_release(tmp_path / "raw", difficulty="curv_baseline")
    empty = tmp_path / "raw" / KNOWN_EMPTY
    empty.parent.mkdir()
    empty.touch()
    (folder / "metadata" / "0.npy").write_text("imgs/0 sample_172.png 172 1 1.0 6 2 2 0.5 1 1\n")
    prepared = prepare(Request("pathfinder", tmp_path, from_dir=folder))
    assert sum(prepared.manifest.counts.values()) == 60
    assert prepared.manifest.parameters["difficulty"] == "curv_baseline"
    assert "sample_172.png is skipped" in caplog.text


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "image-empty"),
        (None, "image-missing"),
        (b"<html>", "image-damaged"),
        (png(1)[:50], "image-damaged"),
        (png(1, size=64), "image-format"),
        (png(1, mode="RGB"), "image-format"),
    ],
)
def test_a_broken_image_is_named_and_nothing_is_written(tmp_path, content, code):
    image = write_release(tmp_path / "raw") / "imgs" / "10" / "sample_3.png"
    image.unlink() if content is None else image.write_bytes(content)
    with pytest.raises(DataDamaged) as raised:
        prepare(Request("pathfinder", tmp_path, from_dir=tmp_path / "raw"))
    assert raised.value.code == f"published.{code}"
    values = raised.value.problems[0].values
    assert (values["path"], values["listed"][-9:]) == (image, "/10.npy:4")
    assert not (tmp_path / "pathfinder").exists()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"imgs/9 sample_0.png 0\n", "metadata-line"),
        (b"imgs/9 sample_0.png 0 2\n", "metadata-line"),
        (b"\x93NUMPY\xff\n", "metadata-binary"),
        (b"../../.. raw.png 0 1\n", "metadata-outside"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, line, code):
    folder = write_release(tmp_path / "raw")
    with open(folder / "metadata" / "9.npy", "ab") as file:
        file.write(line)
    with pytest.raises(DataDamaged) as raised:
        prepare(Request("pathfinder", tmp_path, from_dir=tmp_path / "raw"))
    (problem,) = raised.value.problems
    assert problem.code == f"published.{code}"
    assert (problem.file, problem.line) == (str(folder / "metadata" / "9.npy"), 21)


def test_metadata_files_are_numbered_and_must_be_there(tmp_path):
    folder = write_release(tmp_path / "raw")
    assert [path.stem for path in metadata_files(folder)] == ["9", "10", "11"]
    (folder / "metadata" / "all.npy").touch()
    with pytest.raises(DataDamaged, check=lambda e: e.code == "published.metadata-name"):
        metadata_files(folder)
    for path in (folder / "metadata").iterdir():
        path.unlink()
    with pytest.raises(DataDamaged, check=lambda e: e.code == "published.no-metadata"):
        metadata_files(folder)


def test_options_of_the_generator_are_refused_with_files(tmp_path):
    write_release(tmp_path / "raw")
    with pytest.raises(ConfigError, check=lambda e: e.code == "prep.option-of-generator"):
        prepare(
            Request("pathfinder", tmp_path, from_dir=tmp_path / "raw", options={"distractors": 1})
        )
