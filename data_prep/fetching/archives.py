"""Reading published .tar.gz archives, which may be cut short or hostile.

Such an archive should hold files and folders only. Links, devices, names that lead out of the folder and
sizes beyond a limit are errors.
"""

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from data_prep.pipeline.progress import Progress, silent
from lru_tune.errors import DataDamaged
from lru_tune.files.disk import full_disk_reported

MOST_BYTES = 64 << 30  # unpacked; several times the largest archive that is known here
MOST_MEMBERS = 1_000_000  # wanted ones; there may be any number of others
BYTES_AT_ONCE = 1 << 20
GZIP = b"\x1f\x8b"
BROKEN = (EOFError, gzip.BadGzipFile, tarfile.TarError, zlib.error)


class Member(NamedTuple):
    """A file in an archive, to be read before the next one is asked for.

    Attributes:
      archive: the archive.
      tar: the same, open.
      info: what the archive says about the file.
    """

    archive: Path
    tar: tarfile.TarFile
    info: tarfile.TarInfo

    @property
    def name(self) -> str:
        """Path below the archive's root, parts joined by "/"."""
        return self.info.name

    def chunks(self) -> Iterator[bytes]:
        """Yield the content piece by piece; raise DataDamaged if it ends early."""
        with _naming_damage(self.archive, self.name):
            content = self.tar.extractfile(self.info)
            assert content is not None  # only of links and devices
            left = self.info.size
            while left:
                chunk = content.read(min(left, BYTES_AT_ONCE))
                if not chunk:
                    raise EOFError(f"{left:,} bytes are missing")
                left -= len(chunk)
                yield chunk

    def read(self) -> bytes:
        """Return the content; raise DataDamaged if it ends early."""
        return b"".join(self.chunks())


def is_archive(path: Path) -> bool:
    """Return whether a path is a file that starts like a .tar.gz archive."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(GZIP)) == GZIP


def read_members(
    archive: Path,
    wanted: Callable[[str], bool],
    *,
    most_bytes: int = MOST_BYTES,
    progress: Progress = silent,
) -> Iterator[Member]:
    """Yield the wanted files of a .tar.gz archive in its order.

    The archive is read to its end, so that a truncated one is always detected.

    Args:
      archive: the archive, under any name.
      wanted: called with a member's name; folders and members that are not wanted are skipped.
      most_bytes: the largest size of all wanted files together.
      progress: receives how many of the archive's bytes were read.

    Raises:
      DataDamaged: it is not such an archive, is cut short, or holds what an archive of data does not.
    """
    if not is_archive(archive):
        raise DataDamaged("fetch.not-an-archive", archive=archive)
    bytes_left, members_left = most_bytes, MOST_MEMBERS
    with _naming_damage(archive, "the list of its members"):
        for member in _members(archive, progress):
            if not wanted(member.name):
                continue
            if not member.info.isreg():
                raise DataDamaged("fetch.archive-link", archive=archive, member=member.name)
            if _leads_out(member.name):
                raise DataDamaged("fetch.archive-escape", archive=archive, member=member.name)
            members_left -= 1
            if members_left < 0:
                raise DataDamaged("fetch.archive-many", archive=archive, most=MOST_MEMBERS)
            bytes_left -= member.info.size
            if bytes_left < 0:
                raise DataDamaged(
                    "fetch.archive-large", archive=archive, most=most_bytes, member=member.name
                )
            yield member


def _members(archive: Path, progress: Progress) -> Iterator[Member]:
    # Decompressed here, because tarfile's own decompression does not notice a truncated file.
    size = archive.stat().st_size
    with (
        open(archive, "rb") as packed,
        gzip.open(packed) as unpacked,
        tarfile.open(fileobj=unpacked, mode="r|") as tar,
    ):
        while (info := tar.next()) is not None:
            if not info.isdir():
                yield Member(archive, tar, info)
            tar.members.clear()  # type: ignore[attr-defined]  # tarfile keeps all of them
            progress(f"reading {archive.name}", packed.tell(), size)
        while unpacked.read(BYTES_AT_ONCE):
            pass


def extract_members(
    archive: Path,
    into: Path,
    wanted: Callable[[str], bool] = lambda name: True,
    *,
    most_bytes: int = MOST_BYTES,
    progress: Progress = silent,
) -> list[Path]:
    """Unpack the wanted files of an archive into a new folder, which appears when all are written.

    They are written to `.NAME.part` beside it; if a killed call left one, it is deleted.

    Args:
      archive: see `read_members`.
      into: the folder; must not exist, or be empty. Its parents are made.
      wanted: see `read_members`.
      most_bytes: see `read_members`.
      progress: see `read_members`.

    Returns:
      The files below `into`, in the order of the archive; empty if nothing was wanted.

    Raises:
      DataDamaged: see `read_members`. Nothing is left of what was unpacked.
      ResourcesMissing: the disk became full. Nothing is left.
      FileExistsError: `into` is not empty.
    """
    if into.exists() and any(into.iterdir()):
        raise FileExistsError(f"{into} is not empty")
    temporary = into.with_name(f".{into.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    names = []
    try:
        with full_disk_reported(into, "nothing was left there"):
            temporary.mkdir(parents=True)
            members = read_members(archive, wanted, most_bytes=most_bytes, progress=progress)
            for member in members:
                _write(member, temporary / member.name)
                names.append(member.name)
            temporary.rename(into)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return [into / name for name in names]


def _write(member: Member, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "xb")  # noqa: SIM115  (closed below)
    except (FileExistsError, NotADirectoryError) as error:
        raise DataDamaged(
            "fetch.archive-duplicate", archive=member.archive, member=member.name
        ) from error
    with file:
        for chunk in member.chunks():
            file.write(chunk)


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or any(sign in name for sign in "\\:\0")


@contextmanager
def _naming_damage(archive: Path, at: str) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        raise DataDamaged("fetch.archive-damaged", archive=archive, error=error, at=at) from error
