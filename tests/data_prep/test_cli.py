"""The commands: exit codes, stdout, and what an interruption leaves."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_prep import ORIGINS
from data_prep.cli import main
from lru_tune import __version__
from lru_tune.data.store import open_task
from lru_tune.data.versions import task_lock
from lru_tune.tasks import TASKS

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _no_raw_files(monkeypatch):
    monkeypatch.delenv("LRU_TUNE_RAW", raising=False)


def run(*words: str | Path) -> int:
    return main([str(word) for word in words])


def start(*words: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "data_prep", *map(str, words)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_prepare_prints_the_folders_on_stdout_and_all_else_on_stderr(tmp_path, capsys):
    code = run("prepare", "copy", "pmnist", "--synthetic", "--data-root", tmp_path)
    assert code == 0
    printed = capsys.readouterr()
    twins = tmp_path / "synthetic"
    assert printed.out.splitlines() == [str(twins / "copy"), str(twins / "psmnist")]
    assert "copy: 256 train, 64 val, 64 test; fingerprint" in printed.err


def test_files_that_may_not_be_read_are_named(tmp_path, capsys, monkeypatch):
    def refused(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setitem(ORIGINS, "mnist", ORIGINS["mnist"]._replace(find_raw=refused))
    assert run("prepare", "smnist", "--from-dir", tmp_path, "--data-root", tmp_path / "data") == 3
    said = capsys.readouterr().err
    assert f"Permission denied: '{tmp_path}'" in said
    assert "[prep.not-readable]" in said


def test_an_export_needs_a_folder(tmp_path, capsys):
    (tmp_path / "file").touch()
    words = ("prepare", "listops", "--synthetic", "--workers", "1", "--data-root", tmp_path)
    assert run(*words, "--export-tsv", tmp_path / "file") == 2
    said = capsys.readouterr().err
    assert "--export-tsv: " in said
    assert "[prep.cannot-make-folder]" in said


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as raised:
        run("--version")
    assert raised.value.code == 0
    assert capsys.readouterr().out == f"lru-tune {__version__}\n"


def test_list_shows_each_task_and_its_state(tmp_path, capsys):
    assert run("prepare", "copy", "--limit", "2000", "--data-root", tmp_path) == 0
    capsys.readouterr()
    assert run("list", "--data-root", tmp_path) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert set(lines) == {"TASK", *TASKS}
    assert "prepared: 2,000 / 100 / 100" in lines["copy"]
    assert "not prepared" in lines["listops"]
    assert "CC BY-SA 3.0" in lines["smnist"]
    assert "https://" in lines["smnist"]


def test_verify_finds_what_is_prepared(tmp_path, capsys):
    assert run("verify", "--data-root", tmp_path) == 3
    assert "[prep.nothing-prepared]" in capsys.readouterr().err
    run("prepare", "copy", "--limit", "2000", "--data-root", tmp_path)
    capsys.readouterr()
    assert run("verify", "--data-root", tmp_path) == 0
    assert capsys.readouterr().out == "copy: sound\n"
    targets = tmp_path / "copy" / "test" / "targets.npy"
    content = bytearray(targets.read_bytes())
    content[-1] ^= 1
    targets.write_bytes(content)
    assert run("verify", "copy", "--data-root", tmp_path) == 3
    printed = capsys.readouterr()
    assert printed.out.startswith(f"copy: {targets}: ")
    assert "[prep.not-sound]" in printed.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("prepare", "listop"), 2, "Did you mean 'listops'?"),
        (("prepare", "copy", "--limit", "1"), 2, "[prep.number-too-small]"),
        (("prepare", "copy", "--export-tsv", "x"), 2, "[prep.no-text-format]"),
        (("prepare", "smnist", "--from-dir", "/nowhere"), 3, "[prep.files-not-found]"),
        (("verify", "copy"), 3, "python -m data_prep prepare copy"),
    ],
)
def test_errors_have_the_promised_exit_codes(tmp_path, capsys, words, code, message):
    assert run(*words, "--data-root", tmp_path) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    "words", [(), ("prepare",), ("fetch",), ("prepare", "copy", "--limit", "x")]
)
def test_bad_usage_ends_with_two(words):
    with pytest.raises(SystemExit) as ended:
        run(*words)
    assert ended.value.code == 2


def test_the_environment_names_the_data_root(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LRU_TUNE_DATA", str(tmp_path))
    assert run("prepare", "copy", "--limit", "10") == 0
    assert capsys.readouterr().out == f"{tmp_path / 'copy'}\n"


def test_listops_travels_through_text(tmp_path, capsys):
    words = ("--workers", "1", "--data-root")
    text = tmp_path / "text"
    assert run("prepare", "listops", "--synthetic", "--export-tsv", text, *words, tmp_path) == 0
    assert run("prepare", "listops", "--from-dir", text, *words, tmp_path) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "listops")
    twin, again = open_task("listops", tmp_path / "synthetic"), open_task("listops", tmp_path)
    assert twin.manifest.fingerprint == again.manifest.fingerprint


def test_the_second_of_two_processes_waits_and_finds_it_prepared(tmp_path):
    with task_lock(tmp_path, "copy"):
        words = ("prepare", "copy", "--limit", "50", "--data-root", tmp_path)
        processes = [start(*words) for _ in range(2)]
        for process in processes:
            assert process.stderr is not None
            assert "another process is preparing copy" in process.stderr.readline()
    ended = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert {out for out, _ in ended} == {f"{tmp_path / 'copy'}\n"}
    assert sorted("copy is already prepared" in said for _, said in ended) == [False, True]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_to_end_leaves_nothing_half_written(tmp_path, name):
    process = start("prepare", "listops", "--workers", "2", "--data-root", tmp_path)
    deadline = time.monotonic() + 30
    while not (tmp_path / ".listops.next").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(2.0)
    # As a terminal, or a job manager, does: to all processes of the group.
    os.killpg(process.pid, getattr(signal, name))
    out, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "[prep.interrupted]" in said
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == [".listops.lock"]
