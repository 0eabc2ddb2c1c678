"""The tab-separated files of pairs of papers in the Long Range Arena release.

`new_aan_pairs.{train,eval,test}.tsv`: no header, five columns `label id1 id2 text1 text2`, the label written
as a float, nothing quoted.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from data_prep.fetching.archives import extract_members
from data_prep.fetching.long_range_arena import RELEASE, release_folders
from data_prep.pipeline.progress import Progress
from lru_tune.data.manifest import SplitName
from lru_tune.errors import DataDamaged, Invalid

FILES: dict[SplitName, str] = {
    "train": "new_aan_pairs.train.tsv",
    "val": "new_aan_pairs.eval.tsv",
    "test": "new_aan_pairs.test.tsv",
}
COLUMNS = 5
MOST_BYTES = 1 << 26  # of a line, so that a file without line breaks is not read into memory whole
PAIRS_AT_ONCE = 1024


class Pairs(NamedTuple):
    """Some pairs of documents.

    Attributes:
      texts: 2n documents; pair i is 2i and 2i + 1.
      labels: (n,) uint8, 1 where one paper cites the other.
    """

    texts: list[str]
    labels: np.ndarray


def find_raw(path: Path) -> Path | None:
    """Return the folder of the three files, in `path` or where the release has it; else the archive.

    The archive may be `path` itself or in it. None if there is neither.
    """
    for folder in (path, *(place / "tsv_data" for place in release_folders(path))):
        if all((folder / file).is_file() for file in FILES.values()):
            return folder
    return next((archive for archive in (path / RELEASE.file, path) if archive.is_file()), None)


def extract_files(archive: Path, into: Path, progress: Progress) -> dict[SplitName, Path]:
    """Unpack the three files, and nothing else, from the release's archive into a new folder.

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
        raise DataDamaged("published.aan-incomplete", archive=archive, missing=", ".join(missing))
    return {split: found[file] for split, file in FILES.items()}


def read_pairs(path: Path, rows: int | None, longest: int, progress: Progress) -> Iterator[Pairs]:
    """Yield the first `rows` pairs of a file, some at a time.

    Args:
      path: one of the three files.
      rows: None for all.
      longest: characters kept of each document.
      progress: receives how many bytes were read.

    Raises:
      DataDamaged: the file is empty, or a line is not a pair.
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
            except Invalid as error:
                raise DataDamaged(error.problem.at(file=str(path), line=number)) from error
            texts += (document[:longest] for document in documents)
            labels.append(label)
            read += len(line)
            if len(labels) == PAIRS_AT_ONCE:
                progress(f"reading {path.name}", read, size)
                yield Pairs(texts, np.frombuffer(bytes(labels), np.uint8))
                texts, labels = [], bytearray()
    if read == 0:
        raise DataDamaged("published.pairs-empty", file=str(path))
    if labels:
        yield Pairs(texts, np.frombuffer(bytes(labels), np.uint8))


def _parse(line: bytes) -> tuple[int, tuple[str, str]]:
    """Return a pair's label and its two documents; raise Invalid if the line is not a pair."""
    if not line.endswith(b"\n"):
        if len(line) == MOST_BYTES:
            raise Invalid("published.pair-too-long", most=MOST_BYTES)
        raise Invalid("published.pair-cut-short")
    try:
        columns = line.rstrip(b"\r\n").decode().split("\t")
    except UnicodeDecodeError as error:
        raise Invalid("published.pair-not-utf8", error=error) from error
    if len(columns) != COLUMNS:
        raise Invalid("published.pair-columns", found=len(columns), start=columns[0][:40])
    try:
        label = float(columns[0])
    except ValueError:
        label = -1.0
    if label not in (0.0, 1.0):
        raise Invalid("published.pair-label", found=columns[0][:40])
    return int(label), (columns[3], columns[4])


def write_pairs(path: Path, rows: Iterable[tuple[int, str, str]]) -> None:
    """Write pairs (label, document, document) in the release's format, with running numbers as ids."""
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for number, (label, *documents) in enumerate(rows):
            print(float(label), 2 * number, 2 * number + 1, *documents, sep="\t", file=file)
