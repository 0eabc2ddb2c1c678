"""Reading the Large Movie Review Dataset: its folder, its archive, or its copy on Hugging Face.

All three give the same texts. The 50,000 reviews without a label are skipped.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from data_prep.fetching.archives import is_archive, read_members
from data_prep.fetching.checksums import Source
from data_prep.fetching.hugging_face import load_split
from data_prep.pipeline.progress import Progress
from lru_tune.errors import DataDamaged

FOLDER = "aclImdb"
ARCHIVE = "aclImdb_v1.tar.gz"
SOURCE = Source(
    file=ARCHIVE,
    url=f"https://ai.stanford.edu/~amaas/data/sentiment/{ARCHIVE}",
    licence="none stated; cite Maas et al. 2011",
    bytes=84_125_825,
    md5="7c2ac02c03563afcf9b574c7e56c153a",
    sha256="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
)
HUB_NAME = "stanfordnlp/imdb"
LABELS = ("neg", "pos")  # numbered 0 and 1
PER_LABEL = 12_500  # reviews of each label in each part
MEMBER = re.compile(r"(?:^|/)(train|test)/(neg|pos)/[^/.][^/]*\.txt$")
HUB_ROWS_AT_ONCE = 1000
MOST_BYTES = 1 << 30  # of all reviews, which take 66 MB

PartName = Literal["train", "test"]
PARTS: tuple[PartName, ...] = ("train", "test")


class Review(NamedTuple):
    """A review.

    Attributes:
      part: the publisher's split.
      label: 0 negative, 1 positive.
      text: its first characters.
    """

    part: PartName
    label: int
    text: str


Reviews = dict[tuple[PartName, int], list[str]]


def find_raw(folder: Path) -> Path | None:
    """Return the reviews' folder or archive, which is the path itself or in it; None if there is none."""
    if folder.is_file():
        return folder if folder.name == ARCHIVE or is_archive(folder) else None
    for place in (folder, folder / FOLDER):
        if all((place / part / label).is_dir() for part in PARTS for label in LABELS):
            return place
    archive = folder / ARCHIVE
    return archive if archive.is_file() else None


def read_reviews(raw: Path, longest: int, progress: Progress) -> Reviews:
    """Read the first `longest` characters of each text from what `find_raw` found.

    Raises:
      DataDamaged: a review is empty or not UTF-8, reviews are missing, or the archive is cut short.
    """
    from_archive = raw.is_file()
    reviews = (_read_archive if from_archive else _read_folder)(raw, longest, progress)
    return _collect(reviews, str(raw))


def read_hub(downloads: Path, longest: int, progress: Progress) -> Reviews:
    """Download the first `longest` characters of each text from Hugging Face into `downloads`.

    Raises:
      DataNotPrepared: the download failed.
      DataDamaged: reviews are missing or empty.
    """
    return _collect(_read_hub(downloads, longest, progress), HUB_NAME)


def _collect(reviews: Iterable[Review], where: str) -> Reviews:
    collected: Reviews = {(part, label): [] for part in PARTS for label in range(len(LABELS))}
    for review in reviews:
        collected[review.part, review.label].append(review.text)
    wrong = [
        f"{part}/{LABELS[label]}: {len(texts):,}"
        for (part, label), texts in collected.items()
        if len(texts) != PER_LABEL
    ]
    if wrong:
        raise DataDamaged(
            "published.reviews-missing", where=where, each=PER_LABEL, found=", ".join(wrong)
        )
    return collected


def _read_folder(folder: Path, longest: int, progress: Progress) -> Iterator[Review]:
    done = 0
    for part in PARTS:
        for label, name in enumerate(LABELS):
            with os.scandir(folder / part / name) as entries:
                files = sorted(
                    entry.path for entry in entries if _is_review(part, name, entry.name)
                )
            for file in files:
                content = Path(file).read_bytes()
                yield Review(part, label, _decode(file, content)[:longest])
                done += 1
                progress("reading imdb", done, len(PARTS) * len(LABELS) * PER_LABEL)


def _is_review(part: str, label: str, name: str) -> bool:
    return MEMBER.search(f"{part}/{label}/{name}") is not None


def _read_archive(archive: Path, longest: int, progress: Progress) -> Iterator[Review]:
    members = read_members(
        archive,
        lambda name: MEMBER.search(name) is not None,
        most_bytes=MOST_BYTES,
        progress=progress,
    )
    for member in members:
        found = MEMBER.search(member.name)
        assert found is not None
        part: PartName = "train" if found[1] == "train" else "test"
        text = _decode(f"{archive}: {member.name}", member.read())
        yield Review(part, LABELS.index(found[2]), text[:longest])


def _decode(name: str, content: bytes) -> str:
    if not content.strip():
        raise DataDamaged("published.review-empty", name=name)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataDamaged(
            "published.review-not-utf8", name=name, place=error.start, byte=content[error.start]
        ) from error


def _read_hub(downloads: Path, longest: int, progress: Progress) -> Iterator[Review]:
    parts = {part: load_split(HUB_NAME, part, downloads, SOURCE.url) for part in PARTS}
    for part, rows in parts.items():
        names = tuple(rows.features["label"].names)
        if names != LABELS:
            raise DataDamaged("published.hub-columns", name=HUB_NAME, found=f"labels {names}")
        done = 0
        for some in rows.iter(HUB_ROWS_AT_ONCE):
            for text, label in zip(some["text"], some["label"], strict=True):
                if not text.strip():
                    raise DataDamaged("published.review-empty", name=f"{HUB_NAME}, {part}[{done}]")
                yield Review(part, label, text[:longest])
                done += 1
            progress(f"reading {part} of {HUB_NAME}", done, len(rows))
