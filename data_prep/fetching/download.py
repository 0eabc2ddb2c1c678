"""Downloading a published file: resumed after a break, checked, and either complete or absent.

A file is written as `NAME.part`, which the next call continues, and renamed once it is complete and its
checksum is right.
"""

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

from data_prep.fetching.checksums import Source, checksum_mismatch, is_web_page
from data_prep.pipeline.progress import Progress, silent
from lru_tune import __version__
from lru_tune.errors import DataDamaged, DataNotPrepared
from lru_tune.files.disk import full_disk_reported, require_space

SCHEMES = ("http://", "https://", "file://")
TIMEOUT_SECONDS = 30.0  # of connecting, and of waiting for the next bytes
WAITS_SECONDS = (1.0, 3.0, 9.0)  # after consecutive failures; any new bytes reset the count
BYTES_AT_ONCE = 1 << 18
TEMPORARY = (408, 425, 429, 500, 502, 503, 504)  # HTTP status codes worth another attempt
RANGE_REFUSED = 416
BROKEN = (
    ConnectionError,
    TimeoutError,
    http.client.HTTPException,
    ssl.SSLError,
    urllib.error.URLError,
)


class _Broken(Exception):
    """An attempt failed, but another one may succeed."""


def fetch(
    source: Source,
    folder: Path,
    progress: Progress = silent,
    *,
    wait: Callable[[float], None] = time.sleep,
) -> Path:
    """Return the path of a published file in `folder`; download it if it is not there.

    A download that broke off is resumed if the server can; if the checksum is wrong afterwards, it is
    repeated once from the start. If several processes want the same file, one downloads it.

    Args:
      source: the file.
      folder: made if it does not exist.
      progress: receives how many bytes have arrived.
      wait: sleeps for a number of seconds.

    Raises:
      DataNotPrepared: it cannot be downloaded.
      DataDamaged: its checksum is not the publisher's.
      ResourcesMissing: the disk is full, or too small for the file.
    """
    if not source.url.startswith(SCHEMES):
        raise ValueError(f"{source.url}: expected one of {', '.join(SCHEMES)}")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / source.file
    with FileLock(folder / f".{source.file}.lock"):
        if target.is_file():
            if mismatch := checksum_mismatch(source, target):
                raise DataDamaged(
                    "fetch.wrong-file", **mismatch._asdict(), url=source.url, folder=folder
                )
            return target
        part = target.with_name(f"{target.name}.part")
        with full_disk_reported(target, f"{part.name} is continued by the next call"):
            _download(source, part, progress, wait)
            part.rename(target)
    return target


def _download(
    source: Source, part: Path, progress: Progress, wait: Callable[[float], None]
) -> None:
    """Write the whole file to `part`, which may hold its beginning."""
    resumed = part.is_file()
    _receive_all(source, part, progress, wait)
    mismatch = checksum_mismatch(source, part)
    if mismatch and resumed:  # the published file may have changed since
        part.unlink()
        _receive_all(source, part, progress, wait)
        mismatch = checksum_mismatch(source, part)
    if mismatch:
        part.unlink()
        raise DataDamaged(
            "fetch.wrong-download", **mismatch._asdict(), url=source.url, folder=part.parent
        )


def _receive_all(
    source: Source, part: Path, progress: Progress, wait: Callable[[float], None]
) -> None:
    failures = 0
    while True:
        before = part.stat().st_size if part.is_file() else 0
        try:
            return _receive(source, part, before, progress)
        except _Broken as error:
            failures = failures + 1 if not part.is_file() or part.stat().st_size <= before else 1
            if failures > len(WAITS_SECONDS):
                raise DataNotPrepared(
                    "fetch.download-failed",
                    name=source.file,
                    url=source.url,
                    error=error,
                    kept=" The part that has arrived is kept." if part.is_file() else "",
                    folder=part.parent,
                ) from error
        wait(WAITS_SECONDS[failures - 1])


def _receive(source: Source, part: Path, have: int, progress: Progress) -> None:
    """Request what follows the first `have` bytes once, and append what arrives.

    Raises:
      _Broken: the server has a temporary problem, or the answer ended early.
      DataNotPrepared: the server refused, or sent a web page.
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
            raise _Broken("the file on the server has changed") from error
        if error.code in TEMPORARY:
            raise _Broken(f"the server answered {error.code} {error.reason}") from error
        raise DataNotPrepared(
            "fetch.server-refused",
            url=source.url,
            status=error.code,
            reason=error.reason,
            folder=part.parent,
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
        raise _Broken("the server sent another range than requested")
    end = start + int(length) if length else None
    first = answer.read(BYTES_AT_ONCE)
    if answer.headers.get_content_type() == "text/html" or (start == 0 and is_web_page(first)):
        raise DataNotPrepared(
            "fetch.web-page", url=source.url, name=source.file, folder=part.parent
        )
    total = end or source.bytes
    require_space(part, total - start)
    with open(part, "r+b" if start else "wb") as file:
        file.seek(start)
        chunk, done = first, start
        while chunk:
            file.write(chunk)
            done += len(chunk)
            progress(f"downloading {source.file}", done, max(done, total))
            chunk = answer.read(BYTES_AT_ONCE)
        file.flush()
        os.fsync(file.fileno())
    if done == 0:
        raise _Broken("the server sent nothing")
    if end is not None and done < end:
        raise _Broken(f"the connection closed after {done:,} of {end:,} bytes")
