"""Archives: wanted files are complete; truncated and hostile archives are errors and leave nothing."""

import errno
import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from data_prep.fetching import archives
from data_prep.fetching.archives import extract_members, is_archive, read_members
from lru_tune.errors import DataDamaged, ResourcesMissing

RANDOM = np.random.default_rng(0).bytes(1_500_000)  # does not compress, longer than one chunk
FILES = {
    "release/tsv_data/pairs.train.tsv": RANDOM,
    "release/tsv_data/pairs.test.tsv": b"1.0\tp1\tp2\n",
    "release/notes.txt": b"",
}


def tar_bytes(members: dict[str, bytes] | list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    if isinstance(members, dict):
        members = [(tarfile.TarInfo(name), content) for name, content in members.items()]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        folder = tarfile.TarInfo("release")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def pack(path: Path, members: dict[str, bytes] | list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    path.write_bytes(gzip.compress(tar_bytes(members), 1))
    return path


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> bytes:
    return pack(tmp_path_factory.mktemp("packed") / "release", FILES).read_bytes()


@pytest.fixture
def archive(packed, tmp_path) -> Path:
    path = tmp_path / "lra_release.gz"  # the name does not end in .tar.gz
    path.write_bytes(packed)
    return path


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name != "lra_release.gz"]


def test_all_files_come_out_as_they_went_in(archive, tmp_path):
    paths = extract_members(archive, tmp_path / "out")
    assert paths == [tmp_path / "out" / name for name in FILES]
    assert [path.read_bytes() for path in paths] == list(FILES.values())
    assert left_over(tmp_path) == ["out"]


def test_only_what_is_wanted_comes_out(archive, tmp_path):
    paths = extract_members(archive, tmp_path / "a/b", lambda name: name.endswith(".tsv"))
    assert [path.name for path in paths] == ["pairs.train.tsv", "pairs.test.tsv"]
    assert not (tmp_path / "a/b/release/notes.txt").exists()


def test_members_can_be_read_without_unpacking(archive):
    read = {member.name: member.read() for member in read_members(archive, lambda name: True)}
    assert read == FILES


def test_members_that_are_not_read_are_passed_over(archive):
    names = [member.name for member in read_members(archive, lambda name: True)]
    assert names == list(FILES)


def test_progress_reaches_the_end(archive):
    told: list[tuple[int, int]] = []
    for member in read_members(
        archive, lambda name: True, progress=lambda work, done, total: told.append((done, total))
    ):
        member.read()
    assert told == sorted(told)
    assert told[-1][0] > 0.5 * told[-1][1]


@pytest.mark.parametrize("share", [0.0001, 0.3, 0.9, 0.999999])
def test_an_archive_cut_short_is_refused_and_leaves_nothing(archive, tmp_path, share):
    content = archive.read_bytes()
    archive.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.archive-damaged"):
        extract_members(archive, tmp_path / "out")
    assert left_over(tmp_path) == []


def test_a_cut_behind_the_last_wanted_file_is_found_as_well(archive, tmp_path):
    content = archive.read_bytes()
    archive.write_bytes(content[:-9])
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.archive-damaged"):
        extract_members(archive, tmp_path / "out", lambda name: name.endswith("test.tsv"))
    assert left_over(tmp_path) == []


def test_a_changed_byte_is_refused(archive, tmp_path):
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 255
    archive.write_bytes(content)
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.archive-damaged"):
        extract_members(archive, tmp_path / "out")
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["../evil.txt", "a/../../evil.txt", "/tmp/evil.txt", "C:\\evil.txt", "..\\evil.txt"]
)
def test_a_name_that_leads_out_is_refused(tmp_path, name):
    pack(tmp_path / "lra_release.gz", {"fine.txt": b"fine", name: b"evil"})
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.archive-escape"):
        extract_members(tmp_path / "lra_release.gz", tmp_path / "out")
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_are_refused_where_wanted(tmp_path, kind):
    link = tarfile.TarInfo("link")
    link.type, link.linkname = kind, "/etc/passwd"
    members = [(link, b""), (tarfile.TarInfo("file"), b"fine")]
    pack(tmp_path / "lra_release.gz", members)
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.archive-link"):
        extract_members(tmp_path / "lra_release.gz", tmp_path / "out")
    assert left_over(tmp_path) == []
    extract_members(tmp_path / "lra_release.gz", tmp_path / "out", lambda name: name == "file")
    assert left_over(tmp_path / "out") == ["file"]


def test_more_bytes_than_allowed_are_refused(archive, tmp_path):
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.archive-large"):
        extract_members(archive, tmp_path / "out", most_bytes=1000)
    assert left_over(tmp_path) == []
    small = extract_members(archive, tmp_path / "out", lambda name: "test" in name, most_bytes=1000)
    assert len(small) == 1


def test_more_members_than_allowed_are_refused(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 2)
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.archive-many"):
        extract_members(archive, tmp_path / "out")
    assert left_over(tmp_path) == []
    wanted = extract_members(archive, tmp_path / "out", lambda name: name.endswith(".tsv"))
    assert len(wanted) == 2


@pytest.mark.parametrize("second", ["a", "a/b"])
def test_a_name_that_occurs_twice_is_refused(tmp_path, second):
    members = [(tarfile.TarInfo("a"), b"1"), (tarfile.TarInfo(second), b"2")]
    pack(tmp_path / "lra_release.gz", members)
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.archive-duplicate"):
        extract_members(tmp_path / "lra_release.gz", tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><title>Sign in</title>", b"PK\3\4"])
def test_what_is_no_archive_is_said_to_be_none(tmp_path, content):
    path = tmp_path / "lra_release.gz"
    path.write_bytes(content)
    assert not is_archive(path)
    assert not is_archive(tmp_path)
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.not-an-archive"):
        extract_members(path, tmp_path / "out")


def test_what_a_killed_call_left_is_cleared_and_what_lies_there_is_kept(archive, tmp_path):
    half = tmp_path / ".out.part" / "half"
    half.parent.mkdir()
    half.write_text("half")
    extract_members(archive, tmp_path / "out", lambda name: "test" in name)
    assert left_over(tmp_path) == ["out"]
    with pytest.raises(FileExistsError, match="out is not empty"):
        extract_members(archive, tmp_path / "out")


def test_a_full_disk_is_named_and_leaves_nothing(archive, tmp_path, monkeypatch):
    def write(member, path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archives, "_write", write)
    with pytest.raises(ResourcesMissing, match="out"):
        extract_members(archive, tmp_path / "out")
    assert left_over(tmp_path) == []
