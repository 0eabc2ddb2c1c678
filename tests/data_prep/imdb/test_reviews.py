"""The sources of IMDb: all give the same arrays, and damage is reported."""

import hashlib
import importlib.machinery
import io
import sys
import tarfile
import types
from pathlib import Path

import pytest

from data_prep import Request, prepare
from data_prep.cli import main
from data_prep.fetching import download as fetch
from data_prep.fetching.checksums import md5_of
from data_prep.fetching.hugging_face import has_hub
from data_prep.imdb import origin as imdb
from data_prep.imdb import reviews as imdb_reviews
from data_prep.imdb.reviews import ARCHIVE, LABELS, PARTS, Reviews
from lru_tune.errors import DataDamaged, DataNotPrepared

pytestmark = pytest.mark.usefixtures("no_other_reviews")


@pytest.fixture
def archive(folder, tmp_path, monkeypatch) -> Path:
    path = tmp_path / ARCHIVE
    with tarfile.open(path, "w:gz") as packed:
        packed.add(folder / "aclImdb", "aclImdb")
    as_published(path, monkeypatch)
    return path


def as_published(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the publisher's checksums and address those of an archive."""
    content = path.read_bytes()
    source = imdb.SOURCE._replace(
        url=path.as_uri(),
        bytes=len(content),
        md5=hashlib.md5(content).hexdigest(),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    monkeypatch.setattr(imdb, "SOURCE", source)
    monkeypatch.setattr(fetch, "WAITS_SECONDS", ())


def test_folder_archive_and_address_give_the_same_arrays(folder, archive, tmp_path):
    read = prepare(Request("imdb", tmp_path / "a", from_dir=folder))
    inner = prepare(Request("imdb", tmp_path / "b", from_dir=folder / "aclImdb"))
    packed = prepare(Request("imdb", tmp_path / "c", from_dir=archive))
    beside = prepare(Request("imdb", tmp_path / "d", from_dir=archive.parent))
    fetched = prepare(Request("text", tmp_path / "e"))
    prints = {p.manifest.fingerprint for p in (read, inner, packed, beside, fetched)}
    assert len(prints) == 1
    assert read.manifest == packed.manifest
    assert (tmp_path / "e" / "raw" / ARCHIVE).is_file()
    assert read.manifest.counts == {"train": 90, "val": 10, "test": 100}


def fake_datasets(reviews: Reviews, monkeypatch: pytest.MonkeyPatch, names=LABELS) -> list[str]:
    """Install a module `datasets` with the reviews; return the list of requests to it."""

    class Rows:
        def __init__(self, part: str) -> None:
            self.features = {"label": types.SimpleNamespace(names=list(names))}
            self.rows = [(t, n) for n in (0, 1) for t in reviews[part, n]]

        def __len__(self) -> int:
            return len(self.rows)

        def iter(self, size: int):
            for start in range(0, len(self), size):
                some = self.rows[start : start + size]
                yield {"text": [t for t, _ in some], "label": [n for _, n in some]}

    asked: list[str] = []

    def load_dataset(name: str, split: str, cache_dir: str) -> Rows:
        asked.append(f"{name} {split}")
        return Rows(split)

    module = types.ModuleType("datasets")
    module.__spec__ = importlib.machinery.ModuleSpec("datasets", None, origin="made up")
    module.load_dataset = load_dataset
    module.exceptions = types.SimpleNamespace(DatasetsError=KeyError)
    monkeypatch.setitem(sys.modules, "datasets", module)
    monkeypatch.setattr(imdb, "has_hub", has_hub)
    return asked


def test_hugging_face_gives_the_same_arrays_and_is_asked_where_installed(
    folder, reviews, tmp_path, monkeypatch
):
    asked = fake_datasets(reviews, monkeypatch)
    monkeypatch.setattr(imdb_reviews, "HUB_ROWS_AT_ONCE", 7)
    hub = prepare(Request("imdb", tmp_path / "hub"))
    assert asked == ["stanfordnlp/imdb train", "stanfordnlp/imdb test"]
    assert hub.manifest.source == "stanfordnlp/imdb of Hugging Face"
    read = prepare(Request("imdb", tmp_path / "read", from_dir=folder))
    assert hub.manifest.fingerprint == read.manifest.fingerprint
    assert len(asked) == 2


def test_an_archive_put_among_the_downloads_goes_before_hugging_face(
    archive, reviews, tmp_path, monkeypatch
):
    asked = fake_datasets(reviews, monkeypatch)
    downloads = tmp_path / "data" / "raw"
    downloads.mkdir(parents=True)
    (downloads / ARCHIVE).write_bytes(archive.read_bytes())
    assert prepare(Request("imdb", tmp_path / "data")).manifest.source == "the publisher's reviews"
    assert asked == []


@pytest.mark.parametrize("error", [ConnectionError("Couldn't reach it"), KeyError("no data set")])
def test_without_hugging_face_the_way_out_is_told(reviews, tmp_path, monkeypatch, error):
    def load_dataset(name: str, split: str, cache_dir: str) -> None:
        raise error

    fake_datasets(reviews, monkeypatch)
    monkeypatch.setattr(sys.modules["datasets"], "load_dataset", load_dataset)
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "fetch.hub-failed"):
        prepare(Request("imdb", tmp_path))
    assert not (tmp_path / "imdb").exists()


def test_labels_of_another_meaning_are_refused(reviews, tmp_path, monkeypatch):
    fake_datasets(reviews, monkeypatch, names=("pos", "neg"))
    with pytest.raises(DataDamaged, check=lambda e: e.code == "published.hub-columns"):
        prepare(Request("imdb", tmp_path))


def test_the_library_itself_reads_the_reviews(folder, reviews, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hugging-face"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hugging-face")
    monkeypatch.setattr(imdb, "has_hub", has_hub)
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(LABELS))}
    )
    hub = tmp_path / "hub"
    hub.mkdir()
    for part in PARTS:
        rows = [{"text": t, "label": n} for n in (0, 1) for t in reviews[part, n]]
        datasets.Dataset.from_list(rows, features).to_parquet(hub / f"{part}.parquet")
    monkeypatch.setattr(imdb_reviews, "HUB_NAME", str(hub))
    loaded = prepare(Request("imdb", tmp_path / "hubbed"))
    read = prepare(Request("imdb", tmp_path / "read", from_dir=folder))
    assert loaded.manifest.fingerprint == read.manifest.fingerprint


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("test/neg/7_1.txt", b"caf\xe9", "published.review-not-utf8"),
        ("train/pos/3_10.txt", b" \n", "published.review-empty"),
        ("train/pos/3_10.txt", None, "published.reviews-missing"),
        ("train/pos/900_10.txt", b"one more", "published.reviews-missing"),
    ],
)
def test_a_damaged_folder_is_named_and_a_mended_one_taken(
    folder, tmp_path, file, content, code, capsys
):
    path = folder / "aclImdb" / file
    before = path.read_bytes() if path.exists() else None
    path.unlink() if content is None else path.write_bytes(content)
    words = ["prepare", "imdb", "--from-dir", str(folder), "--data-root", str(tmp_path / "data")]
    assert main(words) == 3
    said = capsys.readouterr().err
    with pytest.raises(DataDamaged, check=lambda e: e.code == code):
        prepare(Request("imdb", tmp_path / "data", from_dir=folder))
    assert str(folder) in said
    assert [path.name for path in (tmp_path / "data").iterdir()] == [".imdb.lock"]
    path.unlink() if before is None else path.write_bytes(before)
    assert main(words) == 0


def test_a_damaged_member_of_an_archive_is_named(tmp_path, monkeypatch, reviews):
    path = tmp_path / ARCHIVE
    with tarfile.open(path, "w:gz") as packed:
        info = tarfile.TarInfo("aclImdb/train/pos/0_9.txt")
        info.size = 1
        packed.addfile(info, io.BytesIO(b"\xff"))
    as_published(path, monkeypatch)
    with pytest.raises(DataDamaged, check=lambda e: e.code == "published.review-not-utf8"):
        prepare(Request("imdb", tmp_path / "data", from_dir=path))


def test_an_archive_that_is_not_the_published_one_is_refused_or_put_on_record(archive, tmp_path):
    whole = archive.read_bytes()
    archive.write_bytes(whole + bytes(512))  # gzip passes over zeros at the end
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.wrong-checksum"):
        prepare(Request("imdb", tmp_path / "data", from_dir=archive))
    taken = prepare(
        Request("imdb", tmp_path / "data", from_dir=archive, allow_checksum_mismatch=True)
    )
    assert taken.manifest.parameters["unofficial_md5"] == {ARCHIVE: md5_of(archive)}


def test_an_archive_cut_short_is_refused(archive, tmp_path):
    archive.write_bytes(archive.read_bytes()[:-1000])
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.wrong-checksum"):
        prepare(Request("imdb", tmp_path / "data", from_dir=archive))
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.archive-damaged"):
        prepare(Request("imdb", tmp_path / "data", from_dir=archive, allow_checksum_mismatch=True))
    assert not (tmp_path / "data" / "imdb").exists()


def test_a_folder_without_reviews_is_told_what_is_wanted(tmp_path):
    (tmp_path / "aclImdb" / "train").mkdir(parents=True)
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "prep.files-not-found"):
        prepare(Request("imdb", tmp_path / "data", from_dir=tmp_path))
    (tmp_path / "page.html").write_text("<html>")
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "prep.files-not-found"):
        prepare(Request("imdb", tmp_path / "data", from_dir=tmp_path / "page.html"))


def test_without_a_network_the_way_out_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "WAITS_SECONDS", ())
    nowhere = imdb.SOURCE._replace(url=(tmp_path / "nowhere").as_uri())
    monkeypatch.setattr(imdb, "SOURCE", nowhere)
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "fetch.download-failed"):
        prepare(Request("imdb", tmp_path))
