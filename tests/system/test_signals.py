"""Commands that are ended early: by whoever reads their output, and by a signal."""

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from lru_tune.system import signals as endings
from lru_tune.system.signals import (
    NOBODY_READS,
    ended_by_reader,
    ended_by_request,
    interrupts_restored,
)

HEAD = "import sys; from lru_tune.cli import main; sys.exit(main({words}))"
DATA = "import sys; sys.argv[1:] = {words}; import runpy; runpy.run_module('data_prep', run_name='__main__')"


def run_unread(program: str, closed: str) -> tuple[int, str]:
    """Run Python code whose stdout or stderr nobody reads; return its exit code and the other one."""
    reading, writing = os.pipe()
    os.close(reading)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {closed: writing}
    done = subprocess.run([sys.executable, "-c", program], text=True, check=False, **streams)
    os.close(writing)
    return done.returncode, (done.stderr if closed == "stdout" else done.stdout)


@pytest.mark.parametrize(
    ("program", "closed"),
    [
        (HEAD.format(words=["reproduce", "--list"]), "stdout"),
        (HEAD.format(words=["reproduce", "--audit"]), "stdout"),
        (HEAD.format(words=["--help"]), "stdout"),
        (HEAD.format(words=["fields"]), "stdout"),
        (HEAD.format(words=["status", "nowhere"]), "stderr"),
        (HEAD.format(words=["nonsense"]), "stderr"),
        (DATA.format(words=["list"]), "stdout"),
        (DATA.format(words=["prepare", "nonsense"]), "stderr"),
    ],
)
def test_an_output_that_nobody_reads_ends_a_command_silently(program, closed):
    assert run_unread(program, closed) == (NOBODY_READS, "")


def test_a_pipe_that_breaks_between_processes_is_an_error(capfd):
    def broken() -> int:
        reading, writing = os.pipe()
        os.close(reading)
        os.write(writing, b"x")
        return 0

    with pytest.raises(BrokenPipeError):
        ended_by_reader(broken)


def test_an_exit_of_its_own_is_left_alone():
    with pytest.raises(SystemExit) as left:
        ended_by_reader(lambda: sys.exit(2))
    assert left.value.code == 2


def ask_to_end(name: str) -> None:
    """Send a signal to this process inside a block that hears it."""
    with ended_by_request():
        os.kill(os.getpid(), getattr(signal, name))
        time.sleep(5)


@pytest.fixture(autouse=True)
def no_request_yet():
    """What another test has asked for is long past."""
    endings._requests.cache_clear()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_request_is_heard_as_an_interrupt_and_then_no_more(name):
    number = getattr(signal, name)
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        ask_to_end(name)
    assert signal.getsignal(number) is before


def test_ctrl_c_does_afterwards_what_it_did_before():
    before = signal.getsignal(signal.SIGINT)
    with interrupts_restored():
        signal.signal(signal.SIGINT, lambda *_: None)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_repeated_request_does_not_cut_the_tidying_short():
    tidied = False
    with ended_by_request():
        with pytest.raises(KeyboardInterrupt):
            ask_to_end("SIGTERM")
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGHUP)
        tidied = True
    assert tidied


def test_a_request_goes_the_way_of_ctrl_c_where_that_has_one_of_its_own():
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append("interrupt"))
    with ended_by_request():
        os.kill(os.getpid(), signal.SIGTERM)
    signal.signal(signal.SIGINT, before)
    assert heard == ["interrupt"]


def test_a_request_is_heard_where_ctrl_c_is_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt):
            ask_to_end("SIGTERM")
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_was_to_be_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_request():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_closed_terminal_ends_a_command_without_a_complaint(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from lru_tune.cli import guard\n"
        "def work(_):\n"
        "    try:\n"
        "        print('begun', flush=True); time.sleep(60)\n"
        "    finally:\n"
        "        print('tidying', flush=True); print('tidying', file=sys.stderr)\n"
        "        Path(sys.argv[1]).write_text('tidied')\n"
        "sys.exit(guard(work))"
    )
    tidied = tmp_path / "tidied"
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", program, str(tidied)])
    assert b"begun" in os.read(terminal, 100)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert tidied.read_text() == "tidied"
    assert os.waitstatus_to_exitcode(status) == 130
