"""The python batches of CIFAR-10, read by an unpickler that can build only plain values and byte arrays.

A batch is a pickled dict with `data`, (10000, 3072) uint8, one image a row: 1,024 red values, then green,
then blue, each row after row; and `labels`, 10,000 numbers 0..9. The publisher pickled them with Python 2,
so their keys are bytes; in later copies they are strings.

A pickle is a program. Here it may call three functions, all defined below, and build no other object; a file
that asks for anything else is rejected before it does any harm.
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

# What a broken pickle may raise, according to the documentation of `pickle` and to trials.
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
      DataDamaged: the file is not a batch, or asks for more than arrays.
    """
    try:
        with open(path, "rb") as file:
            content = ArrayUnpickler(file).load()
    except BROKEN as error:
        raise DataDamaged(
            "published.broken-pickle", path=path, error=f"{type(error).__name__}: {error}"
        ) from error
    images, labels = (
        content.get(name, content.get(name.encode())) if isinstance(content, dict) else None
        for name in ("data", "labels")
    )
    if not isinstance(images, np.ndarray) or images.shape != (IMAGES, NUMBERS):
        expected = f"`data` of shape {(IMAGES, NUMBERS)}"
        found = images.shape if isinstance(images, np.ndarray) else type(images).__name__
    elif not isinstance(labels, list) or len(labels) != IMAGES:
        expected = f"a list of {IMAGES:,} `labels`"
        found = len(labels) if isinstance(labels, list) else type(labels).__name__
    elif wrong := [label for label in labels if type(label) is not int or not 0 <= label < CLASSES]:
        expected, found = f"labels from 0 to {CLASSES - 1}", repr(wrong[0])
    else:
        return Batch(images, np.array(labels, np.uint8))
    raise DataDamaged("published.not-a-batch", path=path, expected=expected, found=found)


class ArrayUnpickler(pickle._Unpickler):
    """Loads plain values and byte arrays, as pickled by Python 2 or 3 with any version of NumPy.

    Derived from the unpickler in Python: the one in C allocates as much memory as the largest memo number
    in the file asks for.
    """

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)
    read: Callable[[int], bytes]
    append: Callable[[Any], None]

    def __init__(self, file: io.BufferedIOBase | io.BytesIO) -> None:
        """Read from a file; strings of Python 2 become bytes."""
        super().__init__(file, encoding="bytes")

    def _load_buffer(self) -> None:
        """Load a buffer as bytes; the inherited method allocates what the file asks for."""
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(self.read(size))

    dispatch[pickle.BYTEARRAY8[0]] = _load_buffer

    def find_class(self, module: str, name: str) -> Any:
        """Return the harmless stand-in for one of the NumPy names that pickled arrays use.

        Raises:
          pickle.UnpicklingError: the pickle asks for another name.
        """
        try:
            return STAND_INS[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it asks for {module}.{name}, which is not loaded"
            ) from None


def _empty_array(*_: object) -> np.ndarray:
    """Stand in for NumPy's `_reconstruct`, which makes the array whose state follows."""
    return np.empty(0, np.uint8)


def _array_of_bytes(buffer: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """Stand in for NumPy's `_frombuffer`, of pickles of protocol 5."""
    return np.frombuffer(buffer, np.uint8).reshape(shape, order=order)


def _byte_dtype(name: Any, *_: object) -> np.dtype[np.uint8]:
    """Stand in for `numpy.dtype`; batches have no objects, structures or wider numbers."""
    if name not in ("u1", b"u1"):
        raise pickle.UnpicklingError(f"expected an array of bytes, got dtype {name!r}")
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
