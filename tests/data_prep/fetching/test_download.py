"""Downloads from a server on this machine: resumed, checked, complete or absent."""

import errno
import functools
import hashlib
import multiprocessing
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from data_prep.fetching import download as fetching
from data_prep.fetching.checksums import Source, checksum_mismatch, md5_of
from data_prep.fetching.download import WAITS_SECONDS, fetch
from lru_tune.errors import DataDamaged, DataNotPrepared, ResourcesMissing

CONTENT = np.random.default_rng(0).bytes(1_000_000)
PAGE = b"<!DOCTYPE html>\n<html><title>Please sign in</title></html>"


class Server(ThreadingHTTPServer):
    """Serves CONTENT, with faults if wanted.

    Attributes:
      ranges: whether parts are served.
      cuts: bytes after which an answer breaks off, one each; whole answers when used up.
      stall: what an answer waits for where it would break off.
      answers: status codes of refusals to come first.
      asked: the Range header of each request.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.kind = CONTENT, "application/gzip"
        self.ranges = True
        self.cuts: list[int] = []
        self.stall: threading.Event | None = None
        self.answers: list[int] = []
        self.asked: list[str | None] = []

    @property
    def source(self) -> Source:
        url = f"http://127.0.0.1:{self.server_address[1]}/data.gz"
        return Source("data.gz", url, "-", len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest())


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, asked = self.server, self.headers.get("Range")
        server.asked.append(asked)
        if server.answers:
            self.send_error(server.answers.pop(0))
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and server.ranges else 0
        size = len(server.content)
        if start >= size:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("Content-Type", server.kind)
        self.send_header("Content-Length", str(size - start))
        self.end_headers()
        body = server.content[start:]
        self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)
        if server.stall is not None:
            self.wfile.flush()
            server.stall.wait()

    def log_message(self, *words: object) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def get(server, tmp_path, waits) -> Callable[..., Path]:
    """Fetch from the server without sleeping."""
    return functools.partial(fetch, folder=tmp_path, wait=waits.append)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def test_a_file_arrives_whole_and_is_fetched_once(server, get, tmp_path):
    told: list[tuple[str, int, int]] = []
    path = get(server.source, progress=lambda *words: told.append(words))
    assert path == tmp_path / "data.gz"
    assert path.read_bytes() == CONTENT
    assert told[-1] == ("downloading data.gz", len(CONTENT), len(CONTENT))
    assert get(server.source) == path
    assert server.asked == [None]
    assert names(tmp_path) == {"data.gz"}


def test_a_broken_connection_is_continued_where_it_stopped(server, get, waits):
    server.cuts = [400_000, 100_000]
    assert get(server.source).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=400000-", "bytes=500000-"]
    assert waits == [WAITS_SECONDS[0]] * 2  # bytes arrived in between


def test_what_a_killed_process_left_is_continued(server, get, tmp_path):
    (tmp_path / "data.gz.part").write_bytes(CONTENT[:123_456])
    assert get(server.source).read_bytes() == CONTENT
    assert server.asked == ["bytes=123456-"]
    assert names(tmp_path) == {"data.gz"}


def test_a_killed_download_is_continued(server, tmp_path, get):
    server.cuts, server.stall = [700_000], threading.Event()
    process = multiprocessing.get_context("spawn").Process(
        target=fetch, args=(server.source, tmp_path)
    )
    process.start()
    part, deadline = tmp_path / "data.gz.part", time.monotonic() + 30
    while not (part.is_file() and part.stat().st_size >= 500_000):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.join()
    have = part.stat().st_size
    server.stall.set()
    server.stall = None
    assert get(server.source).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={have}-"]


def test_a_server_without_ranges_starts_anew(server, get):
    server.ranges, server.cuts = False, [400_000]
    assert get(server.source).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=400000-"]


def test_a_part_that_is_complete_is_taken(server, get, tmp_path):
    (tmp_path / "data.gz.part").write_bytes(CONTENT)
    assert get(server.source).read_bytes() == CONTENT


@pytest.mark.parametrize("part", [b"x" * 5000, CONTENT + b"more"])
def test_a_part_of_another_file_is_thrown_away(server, get, tmp_path, part):
    (tmp_path / "data.gz.part").write_bytes(part)
    assert get(server.source).read_bytes() == CONTENT
    assert names(tmp_path) == {"data.gz"}


def test_a_server_that_keeps_breaking_off_is_given_up_and_what_came_is_kept(server, get, tmp_path):
    server.cuts = [1000] + [0] * 10
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "fetch.download-failed"):
        get(server.source)
    assert (tmp_path / "data.gz.part").read_bytes() == CONTENT[:1000]
    server.cuts = []
    assert get(server.source).read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=1000-"


def test_passing_trouble_is_waited_out(server, get, waits):
    server.answers = [503, 429]
    assert get(server.source).read_bytes() == CONTENT
    assert waits == list(WAITS_SECONDS[:2])


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_refusal_is_told_at_once_with_the_way_out(server, get, tmp_path, waits, status):
    server.answers = [status]
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "fetch.server-refused") as raised:
        get(server.source)
    values = raised.value.problems[0].values
    assert (values["status"], values["folder"]) == (status, tmp_path)
    assert waits == []
    assert names(tmp_path) == set()


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_web_page_is_not_taken_for_the_file(server, get, tmp_path, kind):
    server.content, server.kind = PAGE, kind
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "fetch.web-page"):
        get(server.source)
    assert names(tmp_path) == set()


def test_a_web_page_does_not_spoil_what_was_fetched_before(server, get, tmp_path):
    (tmp_path / "data.gz.part").write_bytes(CONTENT[:1000])
    server.content, server.kind, server.ranges = PAGE, "text/html", False
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "fetch.web-page"):
        get(server.source)
    assert (tmp_path / "data.gz.part").read_bytes() == CONTENT[:1000]


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_a_wrong_checksum_is_refused_and_nothing_kept(server, get, tmp_path, kind):
    sums = {"md5": None, "sha256": None} | {kind: "0" * 8}
    source = server.source._replace(**sums)
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.wrong-download") as raised:
        get(source)
    assert raised.value.problems[0].values["kind"] == kind
    assert names(tmp_path) == set()


def test_a_changed_file_that_lies_there_is_refused_and_kept(server, get, tmp_path):
    (tmp_path / "data.gz").write_bytes(PAGE)
    with pytest.raises(DataDamaged, check=lambda e: e.code == "fetch.wrong-file") as raised:
        get(server.source)
    assert "HTML" in raised.value.problems[0].values["note"]
    assert (tmp_path / "data.gz").read_bytes() == PAGE
    assert server.asked == []


def test_without_a_published_checksum_the_servers_size_decides(server, get, tmp_path):
    source = server.source._replace(sha256=None, bytes=3)
    server.cuts = [10_000]
    path = get(source)
    assert path.read_bytes() == CONTENT
    assert checksum_mismatch(source, path) is None


def test_a_server_that_is_not_there_is_tried_some_times(tmp_path, waits):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/data.gz"
        with pytest.raises(DataNotPrepared, check=lambda e: e.code == "fetch.download-failed"):
            fetch(Source("data.gz", url, "-", 1), tmp_path, wait=waits.append)
    assert waits == list(WAITS_SECONDS)


def test_a_server_that_falls_silent_is_given_up(tmp_path, waits, monkeypatch):
    monkeypatch.setattr(fetching, "TIMEOUT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/data.gz"
        with pytest.raises(DataNotPrepared, check=lambda e: e.code == "fetch.download-failed"):
            fetch(Source("data.gz", url, "-", 1), tmp_path, wait=waits.append)
    assert len(waits) == len(WAITS_SECONDS)


def test_files_of_this_machine_are_fetched_as_well(tmp_path):
    (tmp_path / "there").write_bytes(CONTENT)
    source = Source("data.gz", (tmp_path / "there").as_uri(), "-", len(CONTENT))
    assert fetch(source, tmp_path / "here").read_bytes() == CONTENT
    with pytest.raises(ValueError, match="http://"):
        fetch(source._replace(url="ftp://x/data.gz"), tmp_path / "here")


def test_a_full_disk_is_named_and_what_came_is_kept(server, get, tmp_path, monkeypatch):
    def sync(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetching.os, "fsync", sync)
    with pytest.raises(ResourcesMissing, match=r"data\.gz\.part"):
        get(server.source)
    assert names(tmp_path) == {"data.gz.part"}


def test_a_file_larger_than_the_disk_is_not_begun(server, get, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=len(CONTENT) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ResourcesMissing, match=r"data\.gz\.part"):
        get(server.source)
    assert names(tmp_path) == set()


def test_two_processes_fetch_a_file_once(server, tmp_path):
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        paths = pool.starmap(fetch, [(server.source, tmp_path)] * 2)
    assert [path.read_bytes() for path in paths] == [CONTENT] * 2
    assert server.asked == [None]


def test_md5(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert md5_of(tmp_path / "file") == "900150983cd24fb0d6963f7d28e17f72"  # of RFC 1321
