"""The python batches of CIFAR-10, read by an unpickler that can build nothing but arrays of bytes.

A batch is a pickled dict with `data`, (10000, 3072) uint8, an image a row: 1,024 red values, then green,
then blue, each row after row; and `labels`, 10,000 numbers 0..9. The publisher's were pickled by Python 2,
so that their keys are byte strings; copies made since have text.

A pickle is a program. This one may call two functions, both defined here, and makes no object of any
class; whatever else a file asks for is refused before it happens.
"""

import io
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from lru_tune.errors import DataDamaged

IMAGES = 10_000  # in a batch
NUMBERS = 3 * 32 * 32  # in an image
CLASSES = 10

# What reading a broken pickle may raise, by the pickle module's documentation and by trial.
BROKEN = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


class Batch(NamedTuple):
    """Images (n, 3072) in planes of red, green and blue, and labels (n,), both uint8."""

    images: np.ndarray
    labels: np.ndarray


def read_batch(path: Path) -> Batch:
    """Read a batch.

    Raises:
      DataDamaged: it is not one, or asks for more than arrays; names the file.
    """
    try:
        with open(path, "rb") as file:
            content = ArrayUnpickler(file).load()
    except BROKEN as error:
        raise DataDamaged(
            f"{path} is not a batch of CIFAR-10, or damaged: {type(error).__name__}: {error}"
        ) from error
    try:
        return _checked(content)
    except ValueError as error:
        raise DataDamaged(f"{path} is not a batch of CIFAR-10: {error}") from error


class ArrayUnpickler(pickle._Unpickler):
    """Loads plain values and arrays of bytes, as pickled by Python 2 or 3 with any version of NumPy.

    Built on the unpickler that is written in Python: the one in C sets aside as much memory as the
    largest number of a memo in the file demands.
    """

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)
    read: Callable[[int], bytes]
    append: Callable[[Any], None]

    def __init__(self, file: io.BufferedIOBase | io.BytesIO) -> None:
        """Read from a file; strings of Python 2 become bytes."""
        super().__init__(file, encoding="bytes")

    def _load_buffer(self) -> None:
        """Load a buffer as bytes; the inherited way fills as much memory as the file names with zeros."""
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(self.read(size))

    dispatch[pickle.BYTEARRAY8[0]] = _load_buffer

    def find_class(self, module: str, name: str) -> Any:
        """Return the harmless stand-in for one of NumPy's names that pickled arrays mention.

        Raises:
          pickle.UnpicklingError: the pickle mentions anything else.
        """
        try:
            return STAND_INS[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}; not loaded") from None


def _empty_array(*_: object) -> np.ndarray:
    """Stand in for NumPy's `_reconstruct`, which makes the array whose state follows."""
    return np.empty(0, np.uint8)


def _array_of_bytes(buffer: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """Stand in for NumPy's `_frombuffer`, of pickles of protocol 5."""
    return np.frombuffer(buffer, np.uint8).reshape(shape, order=order)


def _byte_dtype(name: Any, *_: object) -> np.dtype[np.uint8]:
    """Stand in for `numpy.dtype`; objects, structures and wider numbers do not occur in a batch."""
    if name not in ("u1", b"u1"):
        raise pickle.UnpicklingError(f"an array of bytes expected, got dtype {name!r}")
    return np.dtype(np.uint8)


STAND_INS: dict[tuple[str, str], Callable[..., Any] | None] = {
    ("numpy", "ndarray"): None,  # only handed to `_reconstruct`
    ("numpy", "dtype"): _byte_dtype,
    **{
        (f"numpy.{core}.{module}", name): stand_in
        for core in ("core", "_core")  # its name before NumPy 2 and since
        for module, name, stand_in in (
            ("multiarray", "_reconstruct", _empty_array),
            ("numeric", "_frombuffer", _array_of_bytes),
        )
    },
}


def _checked(content: Any) -> Batch:
    """Return the batch in what a pickle held; raise ValueError where it is none."""
    if not isinstance(content, dict):
        raise ValueError(f"a dict expected, got {type(content).__name__}")
    images, labels = (content.get(name, content.get(name.encode())) for name in ("data", "labels"))
    if not isinstance(images, np.ndarray) or images.shape != (IMAGES, NUMBERS):
        found = images.shape if isinstance(images, np.ndarray) else type(images).__name__
        raise ValueError(f"data of shape {(IMAGES, NUMBERS)} expected, got {found}")
    if not isinstance(labels, list) or len(labels) != IMAGES:
        found = len(labels) if isinstance(labels, list) else type(labels).__name__
        raise ValueError(f"a list of {IMAGES:,} labels expected, got {found}")
    for place, label in enumerate(labels):
        if type(label) is not int or not 0 <= label < CLASSES:
            raise ValueError(f"labels[{place}]: 0 to {CLASSES - 1} expected, got {label!r}")
    return Batch(images, np.array(labels, np.uint8))
