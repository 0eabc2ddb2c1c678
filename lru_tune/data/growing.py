"""A .npy file written row by row."""

import logging
import os
from pathlib import Path

import numpy as np

logger = logging.getLogger(__name__)


class GrowingArray:
    """A .npy file that grows by rows.

    Written with plain writes: under a memory map a full disk kills the process instead of raising.
    """

    def __init__(self, path: Path, example: np.ndarray) -> None:
        """Create a file of rows with the dtype and shape of those in `example`, which is not written."""
        if example.dtype.kind != "u":
            raise TypeError(f"{path.name}: expected unsigned integers, got {example.dtype}")
        self.path = path
        self.rows = 0
        self._dtype = example.dtype
        self._row_shape = example.shape[1:]
        path.parent.mkdir(exist_ok=True)
        self._file = open(path, "wb")  # noqa: SIM115  (closed by finish or close)
        self._write_header()

    def _write_header(self) -> None:
        # NumPy pads the header so that the first axis can grow without moving the data.
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self.rows, *self._row_shape),
        }
        np.lib.format.write_array_header_1_0(self._file, header)

    def append(self, rows: np.ndarray) -> None:
        """Write rows of the first example's dtype and shape."""
        if rows.dtype != self._dtype or rows.shape[1:] != self._row_shape:
            raise ValueError(
                f"{self.path.name}: expected rows of {self._dtype}{self._row_shape}, "
                f"got {rows.dtype}{rows.shape[1:]}"
            )
        self._file.write(np.ascontiguousarray(rows).data)
        self.rows += len(rows)

    def finish(self) -> None:
        """Write the final header, flush to the disk and close."""
        self._file.seek(0)
        self._write_header()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        """Close the file, finished or not; a second failure to flush must not hide the first."""
        try:
            self._file.close()
        except OSError as error:
            logger.debug("closing %s: %s", self.path, error)
