"""Published files and their checksums."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from lru_tune.errors import DataDamaged

PAGE_STARTS = (b"<!doctype", b"<html", b"<head", b"<?xml")


class Source(NamedTuple):
    """A published file.

    Attributes:
      file: its name.
      url: where the publisher keeps it, or a mirror if the publisher's server is gone.
      licence: as the publisher states it.
      bytes: its size; approximate if no checksum is published, 0 if not known.
      md5: the official checksum; None if none is published.
      sha256: likewise.
    """

    file: str
    url: str
    licence: str
    bytes: int
    md5: str | None = None
    sha256: str | None = None


class Mismatch(NamedTuple):
    """A file that is not the published one.

    Attributes:
      path: the file.
      kind: `md5` or `sha256`.
      found: its checksum.
      expected: the publisher's checksum.
      note: what else is odd about the file, for people; starts with a blank unless empty.
    """

    path: Path
    kind: str
    found: str
    expected: str
    note: str


def md5_of(path: Path) -> str:
    """Return the md5 of a file's content, in hexadecimal."""
    return _digest(path, "md5")


def checksum_mismatch(source: Source, path: Path) -> Mismatch | None:
    """Compare a file with the published one; None if they agree or if no checksum is published."""
    for kind, expected in (("sha256", source.sha256), ("md5", source.md5)):
        if expected is None or (found := _digest(path, kind)) == expected:
            continue
        size = path.stat().st_size
        known = source.bytes in (0, size)
        note = "" if known else f" ({size:,} bytes instead of {source.bytes:,})"
        with open(path, "rb") as file:
            note += ". It is an HTML page" if is_web_page(file.read(512)) else ""
        return Mismatch(path, kind, found, expected, note)
    return None


def unofficial_md5s(files: Mapping[Path, Source], command: str, *, allowed: bool) -> dict[str, str]:
    """Return the md5, by file name, of each file that is not the published one.

    Args:
      files: published file -> what it should be.
      command: what to type to accept the files as they are.
      allowed: whether other files are accepted.

    Raises:
      DataDamaged: there are such files, and they are not accepted.
    """
    mismatches = {
        path: mismatch
        for path, source in files.items()
        if (mismatch := checksum_mismatch(source, path)) is not None
    }
    if mismatches and not allowed:
        path, mismatch = next(iter(mismatches.items()))
        raise DataDamaged(
            "fetch.wrong-checksum",
            **mismatch._asdict(),
            wrong=len(mismatches),
            checked=len(files),
            url=files[path].url,
            command=command,
        )
    return {path.name: md5_of(path) for path in mismatches}


def is_web_page(start: bytes) -> bool:
    """Return whether a file that starts with these bytes is an HTML or XML page, not data."""
    return start.lstrip()[:16].lower().startswith(PAGE_STARTS)


def _digest(path: Path, kind: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()
