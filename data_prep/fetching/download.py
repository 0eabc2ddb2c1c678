"""Downloading a published file: continued where it stopped, checked, complete or not there.

A file is written as `NAME.part`, which outlives a kill and is continued by the next call, and renamed when
it is complete and its checksum is right.
"""

import hashlib
import http
import http.client
import os
import ssl
import time
import urllib.error
import urllib.request
import urllib.response
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from data_prep.pipeline.origin import Progress, Source, silent
from lru_tune import __version__
from lru_tune.data.disk import demand_room, naming_a_full_disk
from lru_tune.errors import DataDamaged, DataNotPrepared

SCHEMES = ("http://", "https://", "file://")
TIMEOUT_SECONDS = 30.0  # of connecting, and of waiting for the next bytes
WAITS_SECONDS = (1.0, 3.0, 9.0)  # after failures in a row; bytes that arrive end the row
BYTES_AT_ONCE = 1 << 18
PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers that another attempt may change
RANGE_REFUSED = 416
BROKEN = (
    ConnectionError,
    TimeoutError,
    http.client.HTTPException,
    ssl.SSLError,
    urllib.error.URLError,
)
PAGE_STARTS = (b"<!doctype", b"<html", b"<head", b"<?xml")


class _Broken(Exception):
    """An attempt failed in a way that another one may not."""


class _WebPage(Exception):
    """The server sent a page for people."""


def fetch(
    source: Source,
    folder: Path,
    progress: Progress = silent,
    *,
    wait: Callable[[float], None] = time.sleep,
) -> Path:
    """Return the path of a published file in `folder`; download it where it is not there yet.

    A download that was cut off or killed is continued where the server can; one whose checksum is wrong
    after that is made once more from the start. Of several processes one downloads, the others wait.

    Args:
      source: the file.
      folder: made if need be.
      progress: told how many bytes are there.
      wait: sleeps for so many seconds.

    Raises:
      DataNotPrepared: it cannot be had; the text says what to do by hand.
      DataDamaged: its checksum is not the publisher's.
      ResourcesMissing: the disk is, or would be, full.
    """
    if not source.url.startswith(SCHEMES):
        raise ValueError(f"{source.url}: one of {', '.join(SCHEMES)} expected")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / source.file
    with FileLock(folder / f".{source.file}.lock"):
        if target.is_file():
            if problem := checksum_problem(source, target):
                raise DataDamaged(
                    f"{problem}. Delete it and start again; {_by_hand(source, folder)}"
                )
            return target
        part = target.with_name(f"{target.name}.part")
        with naming_a_full_disk(target, f"{part.name} is continued by the next call"):
            _download(source, part, progress, wait)
            part.rename(target)
    return target


def checksum_problem(source: Source, path: Path) -> str | None:
    """Return what is wrong with a file that should be the published one; None where nothing is.

    Where no checksum is published nothing can be wrong.
    """
    for kind, expected in (("sha256", source.sha256), ("md5", source.md5)):
        if expected is None:
            continue
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, kind).hexdigest()
            file.seek(0)
            page = ". It holds a web page" if _is_page(file.read(512)) else ""
        if found != expected:
            size = path.stat().st_size
            sizes = "" if size == source.bytes else f" ({size:,} bytes instead of {source.bytes:,})"
            return f"{path} has {kind} {found}, the publisher's has {expected}{sizes}{page}"
    return None


def md5_of(path: Path) -> str:
    """Return the md5 of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _download(
    source: Source,
    part: Path,
    progress: Progress,
    wait: Callable[[float], None],
) -> None:
    """Write the whole file to `part`; what lies there already is its beginning."""
    continued = part.is_file()
    _receive_all(source, part, progress, wait)
    problem = checksum_problem(source, part)
    if problem and continued:  # by a file that has changed since, perhaps
        part.unlink()
        _receive_all(source, part, progress, wait)
        problem = checksum_problem(source, part)
    if problem:
        part.unlink()
        raise DataDamaged(f"{problem}; it was deleted. Try again, {_by_hand(source, part.parent)}")


def _receive_all(
    source: Source, part: Path, progress: Progress, wait: Callable[[float], None]
) -> None:
    failures = 0
    while True:
        before = part.stat().st_size if part.is_file() else 0
        try:
            return _receive(source, part, before, progress)
        except _WebPage as error:
            raise DataNotPrepared(
                f"{source.url} sent a web page instead of {source.file} (a login or a notice?). "
                f"Open it in a browser, {_by_hand(source, part.parent)}"
            ) from error
        except _Broken as error:
            failures = failures + 1 if not part.is_file() or part.stat().st_size <= before else 1
            if failures > len(WAITS_SECONDS):
                kept = " What has arrived is kept and will be continued." if part.is_file() else ""
                raise DataNotPrepared(
                    f"{source.file} could not be fetched from {source.url}: {error}.{kept} "
                    f"Try again, {_by_hand(source, part.parent)}"
                ) from error
        wait(WAITS_SECONDS[failures - 1])


def _by_hand(source: Source, folder: Path) -> str:
    return f"or put the file of {source.url} into {folder} by hand and start again"


def _receive(source: Source, part: Path, have: int, progress: Progress) -> None:
    """Ask once for what lies behind the first `have` bytes, and append what comes.

    Raises:
      _Broken: the answer was a passing trouble, or ended early.
      _WebPage: the answer is a page.
      DataNotPrepared: the answer was a refusal.
    """
    headers = {"User-Agent": f"lru-tune/{__version__}"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        with urllib.request.urlopen(
            urllib.request.Request(source.url, headers=headers), timeout=TIMEOUT_SECONDS
        ) as answer:
            _append(source, part, have, answer, progress)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == RANGE_REFUSED and have:
            if error.headers.get("Content-Range") == f"bytes */{have}":
                return  # it was complete already
            part.unlink()
            raise _Broken("the server has another file than before") from error
        if error.code in PASSING:
            raise _Broken(f"the server answered {error.code} {error.reason}") from error
        raise DataNotPrepared(
            f"{source.url}: the server answered {error.code} {error.reason}. "
            f"Look in a browser where it lies now, {_by_hand(source, part.parent)}"
        ) from error
    except BROKEN as error:
        raise _Broken(str(getattr(error, "reason", error)) or type(error).__name__) from error


def _append(
    source: Source, part: Path, have: int, answer: urllib.response.addinfourl, progress: Progress
) -> None:
    length = answer.headers.get("Content-Length")
    start = have if answer.status == http.HTTPStatus.PARTIAL_CONTENT else 0
    if start and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        part.unlink()
        raise _Broken("the server sent another part than the one asked for")
    end = start + int(length) if length else None
    first = answer.read(BYTES_AT_ONCE)
    if answer.headers.get_content_type() == "text/html" or (start == 0 and _is_page(first)):
        raise _WebPage
    total = end or source.bytes
    demand_room(part, total - start)
    with open(part, "r+b" if start else "wb") as file:
        file.seek(start)
        chunk, done = first, start
        while chunk:
            file.write(chunk)
            done += len(chunk)
            progress(f"fetching {source.file}", done, max(done, total))
            chunk = answer.read(BYTES_AT_ONCE)
        file.flush()
        os.fsync(file.fileno())
    if done == 0:
        raise _Broken("the server sent nothing")
    if end is not None and done < end:
        raise _Broken(f"the connection ended at {done:,} of {end:,} bytes")


def _is_page(start: bytes) -> bool:
    return start.lstrip()[:16].lower().startswith(PAGE_STARTS)
