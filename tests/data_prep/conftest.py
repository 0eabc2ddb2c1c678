"""Hides `$LRU_TUNE_RAW`, makes a small IMDb, and makes the slow reference generators importable."""

import sys
from pathlib import Path

import numpy as np
import pytest

from data_prep.imdb import origin as imdb
from data_prep.imdb import reviews as imdb_reviews
from data_prep.imdb.reviews import LABELS, PARTS, Reviews
from data_prep.imdb.synthetic import write_reviews

for name in ("listops", "pathfinder"):
    sys.path.insert(0, str(Path(__file__).resolve().parent / name))

EACH = 50  # reviews of a part and label


@pytest.fixture
def no_raw_files(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Let tests choose the folder of the publisher's files."""
    if "published" in request.fixturenames:  # it reads the environment
        request.getfixturevalue("published")
    monkeypatch.delenv("LRU_TUNE_RAW", raising=False)


@pytest.fixture
def no_other_reviews(no_raw_files: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests choose the source of the reviews."""
    monkeypatch.setattr(imdb, "has_hub", lambda: False)


@pytest.fixture
def reviews(monkeypatch: pytest.MonkeyPatch) -> Reviews:
    """50 texts in each part and label; the first five of train occur twice, one is in both parts."""
    monkeypatch.setattr(imdb, "PER_LABEL", EACH)
    monkeypatch.setattr(imdb_reviews, "PER_LABEL", EACH)
    rng = np.random.default_rng(7)
    made: Reviews = {
        (part, label): write_reviews(rng, label, EACH) for part in PARTS for label in (0, 1)
    }
    for texts in (made["train", 0], made["train", 1]):
        texts[5:10] = texts[:5]
    made["train", 0][20] = made["test", 1][20] = "in both parts"
    made["train", 1][21] = "日本 " * 2000  # longer than a sequence, and rare
    return made


@pytest.fixture
def folder(reviews: Reviews, tmp_path: Path) -> Path:
    """A folder with the reviews in the layout of aclImdb, and with the publisher's other files."""
    root = tmp_path / "published"
    for (part, label), texts in reviews.items():
        place = root / "aclImdb" / part / LABELS[label]
        place.mkdir(parents=True)
        for number, text in enumerate(texts):
            (place / f"{number}_{1 + 9 * label}.txt").write_bytes(text.encode())
        (root / "aclImdb" / part / f"urls_{LABELS[label]}.txt").write_text("http://")
    (root / "aclImdb/train/unsup").mkdir()
    (root / "aclImdb/train/unsup/0_0.txt").write_text("without a label")
    (root / "aclImdb/train/pos/._0_10.txt").write_bytes(b"\xff of some file systems")
    return root
