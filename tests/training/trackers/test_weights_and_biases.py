"""W&B, with a good line to nowhere, a bad key, a server that does not answer and no server at all."""

import http.server
import importlib.util
import json
import logging
import socket
import sys
import threading
import time

import pytest

from lru_tune.files import run_directory as runs
from lru_tune.files.run_directory import METRICS_COLUMNS, Report
from lru_tune.training.trackers import weights_and_biases
from lru_tune.training.trackers.tracker import TrackerSettings, make_trackers
from lru_tune.training.trackers.weights_and_biases import connection, summary

KEY = "0123456789abcdef0123456789abcdef01234567"
REPORT = Report(5, dict.fromkeys(METRICS_COLUMNS, 0.5), last=True)


@pytest.fixture(autouse=True)
def _no_account(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    connection.cache_clear()
    yield
    connection.cache_clear()
    if "wandb" in sys.modules:  # it reads the environment once
        sys.modules["wandb"].teardown()


@pytest.fixture
def refusing_server(monkeypatch):
    """A server that knows no key, as W&B's knows no bad one."""

    class Refuse(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.dumps({"errors": [{"message": "user is not logged in"}]}).encode()
            self.send_response(401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - the name is http.server's

        def log_message(self, *_words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    server.server_close()


@pytest.fixture
def silent_server(monkeypatch):
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield


@pytest.fixture
def full_server(monkeypatch):
    """A server whose queue is full, so that connections hang as behind a firewall."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for connection in waiting:
            connection.setblocking(False)
            connection.connect_ex(server.getsockname())
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield
        for connection in waiting:
            connection.close()


@pytest.fixture
def no_server(monkeypatch):
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{port}")


def follow(config, run_dir, mode) -> float:
    """Track one short run and return the seconds that took."""
    run_dir.mkdir(parents=True, exist_ok=True)
    runs.write_metrics(run_dir, [REPORT.metrics | {"step": 5}])
    (tracker,) = make_trackers(TrackerSettings(wandb=mode, group="test"))
    begun = time.monotonic()
    tracker.start(config, run_dir)
    tracker.log(REPORT)
    tracker.finish("completed")
    return time.monotonic() - begun


def kept_offline(run_dir) -> bool:
    return bool(list(run_dir.glob("wandb/offline-run-*/*.wandb")))


def test_the_summary_is_of_the_whole_run(write_run, tmp_path):
    run = write_run(tmp_path / "run", accuracies=(0.2, 0.6, 0.4))
    assert summary(run, "interrupted") == {
        "status": "interrupted",
        "steps": 30,
        "best/step": 20,
        "best/val/accuracy": 0.6,
        "best/val/loss": 0.4,
    }
    assert summary(tmp_path / "nothing", "diverged") == {"status": "diverged", "steps": 0}


def test_a_trial_keeps_its_id_over_attempts(tmp_path):
    first = weights_and_biases._run_id(tmp_path)
    assert weights_and_biases._run_id(tmp_path) == first


@pytest.mark.slow
class TestWithWandb:
    pytestmark = pytest.mark.skipif(
        not importlib.util.find_spec("wandb"), reason="the wandb extra is missing"
    )

    def test_offline_needs_no_account(self, config, tmp_path, caplog):
        follow(config, tmp_path / "run", "offline")
        assert kept_offline(tmp_path / "run")
        # The library's own notes are there too where an earlier test has let them through.
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]

    def test_without_a_key_it_ends_offline(self, config, tmp_path, caplog, capfd):
        follow(config, tmp_path / "run", "online")
        assert kept_offline(tmp_path / "run")
        assert "no key found" in caplog.text
        assert "wandb:" not in capfd.readouterr().err, "the library says nothing of its own"

    def test_what_cannot_be_a_key_is_one_warning(self, config, tmp_path, caplog, monkeypatch):
        monkeypatch.setenv("WANDB_API_KEY", "nonsense")
        follow(config, tmp_path / "run", "online")
        assert kept_offline(tmp_path / "run")
        assert "WANDB_API_KEY invalid" in caplog.text

    @pytest.mark.parametrize(
        ("server", "word"),
        [
            ("no_server", "cannot be reached"),
            ("refusing_server", "Error"),
            ("silent_server", "Error"),
            ("full_server", "cannot be reached"),
        ],
    )
    def test_a_bad_line_is_one_warning_and_waited_for_once(
        self, config, tmp_path, caplog, monkeypatch, request, server, word
    ):
        request.getfixturevalue(server)
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        monkeypatch.setattr(weights_and_biases, "INIT_SECONDS", 2.0)
        caplog.set_level(logging.WARNING)
        follow(config, tmp_path / "first", "online")
        later = follow(config, tmp_path / "second", "online")
        assert later < 15
        ours = [r.getMessage() for r in caplog.records if r.name == weights_and_biases.__name__]
        assert len(ours) == 1
        assert word in ours[0]
        assert "keeping its runs offline" in ours[0]
        assert kept_offline(tmp_path / "first")
        assert kept_offline(tmp_path / "second")
