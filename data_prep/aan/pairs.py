"""The tab-separated files of pairs of papers in the Long Range Arena release.

`new_aan_pairs.{train,eval,test}.tsv`: no header, five columns `label id1 id2 text1 text2`, the label written
as a float, nothing quoted.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from data_prep.fetching.archives import extract_members
from data_prep.pipeline.origin import Progress
from lru_tune.data.manifest import SplitName
from lru_tune.errors import DataDamaged

ARCHIVE = "lra_release.gz"
FILES: dict[SplitName, str] = {
    "train": "new_aan_pairs.train.tsv",
    "val": "new_aan_pairs.eval.tsv",
    "test": "new_aan_pairs.test.tsv",
}
FOLDERS = (".", "tsv_data", "lra_release/tsv_data", "lra_release/lra_release/tsv_data")
COLUMNS = 5
MOST_BYTES = 1 << 26  # of a line: what is no text is not to be read into memory whole
PAIRS_AT_ONCE = 1024


class Pairs(NamedTuple):
    """Some pairs of documents.

    Attributes:
      texts: 2n documents; those of pair i stand at 2i and 2i + 1.
      labels: (n,) uint8, 1 where one paper cites the other.
    """

    texts: list[str]
    labels: np.ndarray


def find_raw(path: Path) -> Path | None:
    """Return the folder of the three files, in `path` or where the release has it; else its archive.

    The archive may lie in `path` or be named by it; it is returned as a file.
    """
    for folder in FOLDERS:
        if all((path / folder / file).is_file() for file in FILES.values()):
            return path / folder
    return next((archive for archive in (path / ARCHIVE, path) if archive.is_file()), None)


def extract_files(archive: Path, into: Path, progress: Progress) -> dict[SplitName, Path]:
    """Unpack the three files, and nothing else, of the release's archive into a new folder.

    Raises:
      DataDamaged: the archive is cut short, or lacks one of them.
    """
    wanted = set(FILES.values())
    found = {
        path.name: path
        for path in extract_members(
            archive, into, lambda name: PurePosixPath(name).name in wanted, progress=progress
        )
    }
    if missing := sorted(wanted - found.keys()):
        raise DataDamaged(f"{archive} holds no {' and no '.join(missing)}; is it {ARCHIVE} of LRA?")
    return {split: found[file] for split, file in FILES.items()}


def read_pairs(path: Path, rows: int | None, longest: int, progress: Progress) -> Iterator[Pairs]:
    """Yield the first `rows` pairs of a file, or all, some at a time.

    Args:
      path: one of the three files.
      rows: None for all.
      longest: characters that are kept of each document.
      progress: told how many bytes were read.

    Raises:
      DataDamaged: no pairs, or a line that is none; says file and line.
    """
    size, read = path.stat().st_size, 0
    texts: list[str] = []
    labels = bytearray()
    with open(path, "rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(MOST_BYTES), b""), start=1):
            if number - 1 == rows:
                break
            try:
                label, documents = _parse(line)
            except ValueError as error:
                raise DataDamaged(f"{path}:{number}: {error}") from error
            texts += (document[:longest] for document in documents)
            labels.append(label)
            read += len(line)
            if len(labels) == PAIRS_AT_ONCE:
                progress(f"reading {path.name}", read, size)
                yield Pairs(texts, np.frombuffer(bytes(labels), np.uint8))
                texts, labels = [], bytearray()
    if read == 0:
        raise DataDamaged(f"{path} is empty; lines of label, two ids and two texts expected")
    if labels:
        yield Pairs(texts, np.frombuffer(bytes(labels), np.uint8))


def _parse(line: bytes) -> tuple[int, tuple[str, str]]:
    """Return a pair's label and its two documents."""
    if not line.endswith(b"\n"):
        if len(line) == MOST_BYTES:
            raise ValueError(f"no line break in {MOST_BYTES:,} bytes; this is no text")
        raise ValueError(
            "the last line does not end, so the file was cut short: copy or unpack it again "
            "(if it is whole, end it: echo >> FILE)"
        )
    try:
        columns = line.rstrip(b"\r\n").decode().split("\t")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: {error}") from error
    if len(columns) != COLUMNS:
        raise ValueError(
            f"{COLUMNS} columns between tabs expected (label, two ids, two texts), "
            f"got {len(columns)}: {columns[0][:40]!r}"
        )
    return _label(columns[0]), (columns[3], columns[4])


def _label(text: str) -> int:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if value not in (0.0, 1.0):
        raise ValueError(f"label 0.0 or 1.0 expected, got {text[:40]!r}")
    return int(value)


def write_pairs(path: Path, rows: Iterable[tuple[int, str, str]]) -> None:
    """Write pairs of a label and two documents in the release's format, with running numbers for ids."""
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for number, (label, *documents) in enumerate(rows):
            print(float(label), 2 * number, 2 * number + 1, *documents, sep="\t", file=file)
