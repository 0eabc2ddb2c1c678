"""The python batches: from Python 2 and 3, harmless, and with errors that say what is wrong."""

import io
import os
import pickle
import pickletools
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_prep.cifar.batches import BROKEN, IMAGES, NUMBERS, ArrayUnpickler, read_batch
from lru_tune.errors import DataDamaged

LABELS = [place % 10 for place in range(IMAGES)]


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (IMAGES, NUMBERS), np.uint8)


def written(folder: Path, content: Any, protocol: int = 4) -> Path:
    path = folder / "data_batch_1"
    path.write_bytes(pickle.dumps(content, protocol))
    return path


def python2_pickle(images: np.ndarray, labels: list[int]) -> bytes:
    """Pickle a batch opcode by opcode as Python 2.7 and its NumPy did, keys in byte strings."""

    def string(text: bytes) -> bytes:
        short = len(text) < 256
        return (b"U" + bytes([len(text)]) if short else b"T" + struct.pack("<i", len(text))) + text

    def number(value: int) -> bytes:
        return b"K" + bytes([value]) if value < 256 else b"J" + struct.pack("<i", value)

    rows, columns = images.shape
    array = b"".join(
        [
            b"cnumpy.core.multiarray\n_reconstruct\n",
            b"(cnumpy\nndarray\n" + number(0) + b"\x85" + string(b"b") + b"tR",
            b"(" + number(1) + number(rows) + number(columns) + b"\x86",
            b"cnumpy\ndtype\n(" + string(b"u1") + number(0) + number(1) + b"tR",
            b"(" + number(3) + string(b"|") + b"NNN" + b"J\xff\xff\xff\xff" * 2 + number(0) + b"tb",
            b"\x89" + string(images.tobytes()) + b"tb",
        ]
    )
    listed = b"](" + b"".join(map(number, labels)) + b"e"
    pairs = [
        string(b"batch_label") + string(b"training batch 1 of 5"),
        string(b"labels") + listed,
        string(b"data") + array,
    ]
    return b"\x80\x02}(" + b"".join(pairs) + b"u."


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("key", [str, str.encode], ids=["text", "bytes"])
def test_what_python_3_pickled_is_read(images, protocol, key, tmp_path):
    path = written(tmp_path, {key("data"): images, key("labels"): LABELS}, protocol)
    batch = read_batch(path)
    np.testing.assert_array_equal(batch.images, images)
    assert batch.labels.dtype == np.uint8
    assert batch.labels.tolist() == LABELS


@pytest.mark.parametrize("core", ["core", "_core"])
def test_the_numpy_that_pickled_may_be_old_or_new(images, core, tmp_path):
    now = np.zeros(1).__reduce__()[0].__module__.split(".")[1]
    path = written(tmp_path, {"data": images, "labels": LABELS}, protocol=3)
    path.write_bytes(
        path.read_bytes().replace(f"cnumpy.{now}.".encode(), f"cnumpy.{core}.".encode(), 1)
    )
    np.testing.assert_array_equal(read_batch(path).images, images)


def test_what_python_2_pickled_is_read(images, tmp_path):
    path = tmp_path / "data_batch_1"
    path.write_bytes(python2_pickle(images, LABELS))
    batch = read_batch(path)
    np.testing.assert_array_equal(batch.images, images)
    assert batch.labels.tolist() == LABELS


class Payload:
    """Pickles as a call of `os.system`."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_hostile_pickle_runs_nothing(tmp_path, protocol):
    mark = tmp_path / "was-run"
    payload = Payload(f"touch {mark}")
    pickle.loads(pickle.dumps(payload, protocol))
    assert mark.exists()  # the payload is real
    mark.unlink()
    path = written(tmp_path, {"data": payload, "labels": LABELS}, protocol)
    with pytest.raises(DataDamaged, match=r"posix\.system") as raised:
        read_batch(path)
    assert raised.value.code == "published.broken-pickle"
    assert not mark.exists()


@pytest.mark.parametrize(
    "name",
    [
        "builtins\neval",
        "builtins\ngetattr",
        "numpy\nload",
        "numpy\nfromfile",
        "numpy.core.multiarray\nscalar",
        "data_prep.cifar.batches\npickle",
    ],
)
def test_no_other_name_is_looked_up(name):
    with pytest.raises(pickle.UnpicklingError, match="it asks for"):
        ArrayUnpickler(io.BytesIO(f"c{name}\n.".encode())).load()


def test_arrays_of_anything_but_bytes_are_refused(tmp_path):
    for array in (
        np.array([None]),
        np.zeros(3),
        np.zeros(3, "u1,u1"),
        np.zeros(3, "datetime64[s]"),
    ):
        path = written(tmp_path, {"data": array, "labels": LABELS})
        with pytest.raises(DataDamaged, check=lambda e: e.code == "published.broken-pickle"):
            read_batch(path)


def test_broken_pickles_end_in_one_kind_of_error_and_little_memory():
    """Fuzzing: whatever bytes are changed, only errors in `BROKEN` are raised."""
    rng = random.Random(0)
    content = {"data": np.arange(60, dtype=np.uint8).reshape(2, 30), "labels": [1, 2]}
    sound = [pickle.dumps(content, protocol) for protocol in (2, 3, 4, 5)]
    outcomes = set()
    for _ in range(2_000):
        broken = bytearray(rng.choice(sound))
        for _ in range(rng.randint(1, 3)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        try:
            ArrayUnpickler(io.BytesIO(broken[: rng.randint(1, 2 * len(broken))])).load()
        except BROKEN as error:
            outcomes.add(type(error))
    assert {pickle.UnpicklingError, EOFError, struct.error} <= outcomes


def test_the_number_of_a_memo_sets_no_memory_aside():
    """The unpickler in C would allocate 16 GB here."""
    huge = b"\x80\x04Nr" + struct.pack("<I", 2**31 - 1) + b"."
    assert [opcode.name for opcode, _, _ in pickletools.genops(huge)][2] == "LONG_BINPUT"
    assert ArrayUnpickler(io.BytesIO(huge)).load() is None


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"data": np.zeros((IMAGES, 3073), np.uint8)}, (10_000, 3073)),
        ({"data": np.zeros((9_999, NUMBERS), np.uint8)}, (9_999, 3072)),
        ({"data": [1, 2]}, "list"),
        ({"data": None}, "NoneType"),
        ({"labels": LABELS[1:]}, 9999),
        ({"labels": None}, "NoneType"),
        ({"labels": [*LABELS[:-1], 10]}, "10"),
        ({"labels": [-1, *LABELS[1:]]}, "-1"),
        ({"labels": ["cat", *LABELS[1:]]}, "'cat'"),
    ],
)
def test_another_content_is_named(tmp_path, change, found):
    sound = {"data": np.zeros((IMAGES, NUMBERS), np.uint8), "labels": LABELS}
    path = written(tmp_path, sound | change)
    with pytest.raises(DataDamaged) as raised:
        read_batch(path)
    assert raised.value.code == "published.not-a-batch"
    values = raised.value.problems[0].values
    assert (values["path"], values["found"]) == (path, found)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "published.broken-pickle"),
        (b"<!DOCTYPE html><html></html>", "published.broken-pickle"),
        (pickle.dumps([1, 2]), "published.not-a-batch"),
    ],
)
def test_no_batch_at_all(tmp_path, content, code):
    path = tmp_path / "test_batch"
    path.write_bytes(content)
    with pytest.raises(DataDamaged, check=lambda e: e.code == code):
        read_batch(path)


def test_a_truncated_batch(images, tmp_path):
    path = written(tmp_path, {"data": images, "labels": LABELS})
    path.write_bytes(path.read_bytes()[:1_000_000])
    with pytest.raises(DataDamaged, check=lambda e: e.code == "published.broken-pickle"):
        read_batch(path)
