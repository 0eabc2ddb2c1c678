"""Prepared tasks are written whole or not at all, by one writer at a time, and opened with care."""

import errno
import json
import multiprocessing
import shutil
from pathlib import Path

import numpy as np
import pytest

from lru_tune.data.growing import GrowingArray
from lru_tune.data.manifest import SPLITS, Provenance
from lru_tune.data.store import open_task
from lru_tune.data.versions import task_lock
from lru_tune.data.writer import TaskWriter, write_task
from lru_tune.errors import DataDamaged, DataNotPrepared, ResourcesMissing

PROVENANCE = Provenance("a test", {"rows": 5}, seed=1)


def add_rows(writer: TaskWriter, seed: int = 0, rows: int = 5) -> None:
    rng = np.random.default_rng(seed)
    for split in SPLITS:
        inputs = rng.integers(0, 256, (rows, 784, 1), np.uint8)
        writer.add(split, inputs, np.arange(rows, dtype=np.uint8) % 3)


def write(root: Path, seed: int = 0) -> None:
    with write_task("smnist", root, PROVENANCE) as writer:
        add_rows(writer, seed)


def names(root: Path) -> set[str]:
    return {path.name for path in root.iterdir()}


def test_what_was_added_piece_by_piece_is_what_is_mapped(tmp_path):
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 256, (7, 784, 1), np.uint8)
    targets = np.array([0, 1, 1, 2, 9, 9, 9], np.uint8)
    with write_task("smnist", tmp_path, PROVENANCE) as writer:
        for split in SPLITS:
            writer.add(split, inputs[:3], targets[:3])
            writer.add(split, inputs[3:], targets[3:])
    prepared = open_task("mnist", tmp_path)
    split = prepared.split("val")
    assert isinstance(split.inputs, np.memmap)
    assert not split.inputs.flags.writeable
    np.testing.assert_array_equal(split.inputs, inputs)
    np.testing.assert_array_equal(split.targets, targets)
    assert split.lengths is None
    manifest = prepared.manifest
    assert manifest.counts == {"train": 7, "val": 7, "test": 7}
    assert manifest.label_histogram["val"] == [1, 2, 1, 0, 0, 0, 0, 0, 0, 3]
    assert manifest.chance == pytest.approx(3 / 7)
    assert manifest.provenance == PROVENANCE


def test_the_fingerprint_depends_on_the_arrays_alone(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "elsewhere" / "b")
    write(tmp_path / "c", seed=1)
    first, second, third = (
        open_task("smnist", tmp_path / place).manifest.fingerprint
        for place in ("a", "elsewhere/b", "c")
    )
    assert first == second != third
    assert len(first) == 12


def test_a_failure_leaves_the_older_version_and_nothing_else(tmp_path):
    write(tmp_path)
    before = open_task("smnist", tmp_path).manifest

    def fail() -> None:
        with write_task("smnist", tmp_path, PROVENANCE) as writer:
            add_rows(writer, seed=1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert open_task("smnist", tmp_path).manifest == before
    assert names(tmp_path) == {"smnist"}


def test_a_new_version_replaces_the_old_one_under_running_readers(tmp_path):
    write(tmp_path)
    old = open_task("smnist", tmp_path).split("train").inputs
    content = old.copy()
    write(tmp_path, seed=1)
    np.testing.assert_array_equal(old, content)
    assert not np.array_equal(open_task("smnist", tmp_path).split("train").inputs, content)
    assert names(tmp_path) == {"smnist"}


def test_a_disk_that_fills_up_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    real = GrowingArray.append

    def append(self: GrowingArray, rows: np.ndarray) -> None:
        if self.path.parent.name == "test":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, rows)

    monkeypatch.setattr(GrowingArray, "append", append)
    with pytest.raises(ResourcesMissing) as error:
        write(tmp_path)
    assert error.value.code == "data.disk-full"
    assert names(tmp_path) == set()


def test_space_is_required_before_anything_is_written(tmp_path):
    with (
        pytest.raises(ResourcesMissing) as error,
        write_task("smnist", tmp_path, PROVENANCE, expected_bytes=10**18),
    ):
        raise AssertionError
    (problem,) = error.value.problems
    assert (problem.code, problem.values["needed"]) == ("data.no-space", 1e12)
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.zeros((2, 784, 1), np.int64), "expected unsigned integers, got int64"),
        (np.zeros((3, 784, 1), np.uint8), "expected equally many of each"),
    ],
)
def test_arrays_of_the_wrong_kind_are_refused(tmp_path, inputs, message):
    with (
        pytest.raises((TypeError, ValueError), match=message),
        write_task("smnist", tmp_path, PROVENANCE) as writer,
    ):
        writer.add("train", inputs, np.zeros(2, np.uint8))


def test_rows_must_look_like_the_first(tmp_path):
    first = np.zeros((2, 784, 1), np.uint8)
    array = GrowingArray(tmp_path / "train" / "inputs.npy", first)
    array.append(first)
    with pytest.raises(ValueError, match=r"expected rows of uint8\(784, 1\), got uint8\(783, 1\)"):
        array.append(first[:, 1:])
    with pytest.raises(ValueError, match=r"got uint16\(784, 1\)"):
        array.append(first.astype(np.uint16))
    array.close()


def test_all_three_splits_are_needed(tmp_path):
    with (
        pytest.raises(ValueError, match=r"no examples for \['test', 'val'\]"),
        write_task("smnist", tmp_path, PROVENANCE) as writer,
    ):
        writer.add("train", np.zeros((2, 784, 1), np.uint8), np.zeros(2, np.uint8))


def test_opening_names_the_command_that_prepares(tmp_path):
    command = f"python -m data_prep prepare smnist --data-root {tmp_path}"
    with pytest.raises(DataNotPrepared) as error:
        open_task("mnist-classification", tmp_path)
    assert error.value.code == "data.not-prepared"
    assert error.value.problems[0].values["command"] == command
    twin = f"python -m data_prep prepare smnist --synthetic --data-root {tmp_path}"
    with pytest.raises(DataNotPrepared) as error:
        open_task("smnist", tmp_path / "synthetic")
    assert error.value.problems[0].values["command"] == twin


def test_opening_sees_missing_and_truncated_files(tmp_path):
    write(tmp_path)
    file = tmp_path / "smnist" / "test" / "targets.npy"
    file.write_bytes(file.read_bytes()[:-1])
    for found in ("has 132 bytes", "is missing"):
        with pytest.raises(DataDamaged) as error:
            open_task("smnist", tmp_path)
        (problem,) = error.value.problems
        assert problem.code == "data.wrong-size"
        expected = {"path": file, "found": found, "expected": 133}
        assert expected.items() <= problem.values.items()
        file.unlink(missing_ok=True)


@pytest.mark.parametrize("text", ["{", '{"format_version": 99}', "[]", '{"format_version": 1}'])
def test_opening_refuses_strange_manifests(tmp_path, text):
    write(tmp_path)
    path = tmp_path / "smnist" / "manifest.json"
    path.write_text(text)
    with pytest.raises(DataDamaged) as error:
        open_task("smnist", tmp_path)
    (problem,) = error.value.problems
    assert problem.code == "data.bad-manifest"
    assert problem.values["path"] == path


def test_a_split_opens_no_other_split(tmp_path):
    write(tmp_path)
    hidden = tmp_path / "smnist" / "test" / "inputs.npy"
    hidden.write_bytes(bytes(hidden.stat().st_size))  # same size, so only opening it would notice
    prepared = open_task("smnist", tmp_path)
    assert prepared.split("train").inputs.shape == (5, 784, 1)
    assert prepared.split("val").inputs.shape == (5, 784, 1)
    with pytest.raises(DataDamaged) as error:
        prepared.split("test")
    assert (error.value.code, error.value.problems[0].values["path"]) == ("data.unreadable", hidden)


def test_the_manifest_is_plain_json(tmp_path):
    write(tmp_path)
    content = json.loads((tmp_path / "smnist" / "manifest.json").read_text())
    assert content["format_version"] == 1
    assert content["files"]["train/targets.npy"]["bytes"] == 133
    assert len(content["files"]["train/targets.npy"]["sha256"]) == 64


@pytest.mark.parametrize("replaced", [True, False])
def test_the_lock_clears_away_what_a_killed_writer_left(tmp_path, replaced):
    write(tmp_path)
    shutil.copytree(tmp_path / "smnist", tmp_path / ".smnist.next")
    (tmp_path / "smnist").rename(tmp_path / ".smnist.previous")
    if replaced:
        shutil.copytree(tmp_path / ".smnist.next", tmp_path / "smnist")
    with task_lock(tmp_path, "smnist"):
        assert open_task("smnist", tmp_path).manifest.counts["train"] == 5
    assert names(tmp_path) == {"smnist", ".smnist.lock"}


def hold_lock(root: Path, held, release) -> None:
    with task_lock(root, "smnist"):
        held.set()
        release.wait(20)
        write(root)


def test_the_second_writer_waits_for_the_first_and_says_so(tmp_path):
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    first = context.Process(target=hold_lock, args=(tmp_path, held, release))
    first.start()
    assert held.wait(20)
    said: list[str] = []

    def log(line: str) -> None:
        said.append(line)
        with pytest.raises(DataNotPrepared):
            open_task("smnist", tmp_path)
        release.set()

    with task_lock(tmp_path, "smnist", log):
        assert open_task("smnist", tmp_path).manifest.counts["train"] == 5
    first.join(20)
    assert first.exitcode == 0
    assert said == [f"another process is preparing smnist in {tmp_path}; waiting for it"]


def test_below_a_file_nothing_is_prepared(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataNotPrepared):
        open_task("copy", tmp_path / "file")
