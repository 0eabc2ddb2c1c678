"""Reading archives that may be cut short or hostile; what is unpacked appears whole or not at all.

Published archives hold files and folders. Anything else (links, devices, names that lead out of the
folder, sizes beyond a limit) is refused, not repaired.
"""

import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from data_prep.pipeline.origin import Progress, silent
from lru_tune.data.disk import naming_a_full_disk
from lru_tune.errors import DataDamaged

MOST_BYTES = 64 << 30  # unpacked; several times the largest archive that is known here
MOST_MEMBERS = 1_000_000  # wanted ones; of others an archive may have any number
BYTES_AT_ONCE = 1 << 20

GZIP, XZ, ZIP = b"\x1f\x8b", b"\xfd7zXZ\x00", b"PK"
BROKEN = (
    EOFError,
    NotImplementedError,  # zipfile's word for a compression it does not know
    gzip.BadGzipFile,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class Member:
    """A file in an archive, to be read before the next one is asked for.

    Attributes:
      archive: where it lies.
      name: path below the archive's root, parts joined by "/".
      size: unpacked, in bytes.
      plain: whether it is a file, not a link or a device.
      open: starts reading its content.
    """

    archive: Path
    name: str
    size: int
    plain: bool
    open: Callable[[], IO[bytes]]

    def chunks(self) -> Iterator[bytes]:
        """Yield the content piece by piece; raise DataDamaged where it ends early."""
        with _naming_damage(self.archive, self.name), self.open() as content:
            left = self.size
            while left:
                chunk = content.read(min(left, BYTES_AT_ONCE))
                if not chunk:
                    raise EOFError(f"{left:,} bytes are missing")
                left -= len(chunk)
                yield chunk

    def read(self) -> bytes:
        """Return the content; raise DataDamaged where it ends early."""
        return b"".join(self.chunks())


def is_archive(path: Path) -> bool:
    """Return whether a file begins like a .tar.gz, .tar.xz or .zip archive."""
    return path.is_file() and _reader(path) is not None


def read_members(
    archive: Path,
    wanted: Callable[[str], bool],
    *,
    most_bytes: int = MOST_BYTES,
    progress: Progress = silent,
) -> Iterator[Member]:
    """Yield the wanted files of a .tar.gz, .tar.xz or .zip archive in the order they lie in.

    The archive is streamed to its end, so that one that was cut short is never taken for a whole one.
    Its kind is told by its content, not by its name.

    Args:
      archive: the file.
      wanted: says of a member's name whether it is to be read; folders and all others are passed over.
      most_bytes: of all wanted files together.
      progress: told how many of the archive's bytes were read.

    Raises:
      DataDamaged: cut short, no archive, or not what an archive of data holds; names file and member.
    """
    reader = _reader(archive)
    if reader is None:
        raise DataDamaged(f"{archive} is no .tar.gz, .tar.xz or .zip archive")
    bytes_left, members_left = most_bytes, MOST_MEMBERS
    with _naming_damage(archive, "the list of its members"):
        for member in reader(archive, progress):
            if not wanted(member.name):
                continue
            if not member.plain:
                raise DataDamaged(f"{archive}: {member.name} is a link or a device; refused")
            if _leads_out(member.name):
                raise DataDamaged(f"{archive}: {member.name!r} leads out of the folder; refused")
            members_left -= 1
            if members_left < 0:
                raise DataDamaged(f"{archive} has more than {MOST_MEMBERS:,} members; refused")
            bytes_left -= member.size
            if bytes_left < 0:
                raise DataDamaged(
                    f"{archive} holds more than {most_bytes:,} bytes; refused at {member.name}"
                )
            yield member


def extract_members(
    archive: Path,
    into: Path,
    wanted: Callable[[str], bool] = lambda name: True,
    *,
    most_bytes: int = MOST_BYTES,
    progress: Progress = silent,
) -> list[Path]:
    """Unpack the wanted files of an archive into a new folder, which appears when all are written.

    They are written to `.NAME.part` beside it; one that an earlier, killed call left is deleted.

    Args:
      archive: see `read_members`.
      into: the folder; it must not exist, or be empty. Its parent is made.
      wanted: see `read_members`.
      most_bytes: see `read_members`.
      progress: see `read_members`.

    Returns:
      The files in the order of the archive, below `into`; none where nothing was wanted.

    Raises:
      DataDamaged: see `read_members`; nothing is left of what was unpacked.
      ResourcesMissing: the disk became full; nothing is left.
      FileExistsError: something lies in `into`.
    """
    if into.exists() and any(into.iterdir()):
        raise FileExistsError(f"{into} is not empty")
    temporary = into.with_name(f".{into.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    names = []
    try:
        with naming_a_full_disk(into, "nothing was left there"):
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
        raise DataDamaged(f"{member.archive}: {member.name} occurs twice; refused") from error
    with file:
        for chunk in member.chunks():
            file.write(chunk)


Reader = Callable[[Path, Progress], Iterator[Member]]


def _reader(archive: Path) -> Reader | None:
    """Return what reads an archive, told by its first bytes; None for what is none."""
    with open(archive, "rb") as file:
        start = file.read(len(XZ))
    readers: dict[bytes, Reader] = {GZIP: _tar_members, XZ: _tar_members, ZIP: _zip_members}
    return next((reader for magic, reader in readers.items() if start.startswith(magic)), None)


def _tar_members(archive: Path, progress: Progress) -> Iterator[Member]:
    # tarfile's own decompression takes a cut file for a whole one; that of gzip and lzma does not.
    size = archive.stat().st_size
    with open(archive, "rb") as packed:
        is_xz = packed.read(len(XZ)) == XZ
        packed.seek(0)
        with (
            lzma.open(packed) if is_xz else gzip.open(packed) as unpacked,
            tarfile.open(fileobj=unpacked, mode="r|") as tar,
        ):
            while (info := tar.next()) is not None:
                if not info.isdir():
                    content = _tar_opener(tar, info)
                    yield Member(archive, info.name, info.size, info.isreg(), content)
                tar.members.clear()  # type: ignore[attr-defined]  # tarfile keeps all that passed by
                progress(f"reading {archive.name}", packed.tell(), size)
            while unpacked.read(BYTES_AT_ONCE):
                pass


def _tar_opener(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], IO[bytes]]:
    def start() -> IO[bytes]:
        content = tar.extractfile(info)
        if content is None:
            raise tarfile.ReadError("not a file")
        return content

    return start


def _zip_members(archive: Path, progress: Progress) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as packed:
        infos = packed.infolist()
        for number, info in enumerate(infos):
            if not info.is_dir():
                kind = stat.S_IFMT(info.external_attr >> 16)  # of Unix; 0 where made elsewhere
                plain = kind in (0, stat.S_IFREG) and not info.flag_bits & 1  # 1: encrypted
                content = _zip_opener(packed, info)
                yield Member(archive, info.filename, info.file_size, plain, content)
            progress(f"reading {archive.name}", number, len(infos))


def _zip_opener(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: packed.open(info)


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or any(sign in name for sign in "\\:\0")


@contextmanager
def _naming_damage(archive: Path, at: str) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        raise DataDamaged(
            f"{archive} is damaged or cut short ({error}; at {at}). Delete it, and fetch or copy it again"
        ) from error
