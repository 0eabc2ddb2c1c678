"""Commands that are ended early: by whoever reads their output, and by a signal."""

import os
import signal
import subprocess
import sys
import time

import pytest

from lru_tune.endings import NOBODY_READS, ended_by_reader, ended_by_sigterm

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


def test_sigterm_is_heard_as_an_interrupt_and_then_no_more():
    before = signal.getsignal(signal.SIGTERM)

    def ask_to_end() -> None:
        with ended_by_sigterm():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        ask_to_end()
    assert signal.getsignal(signal.SIGTERM) is before
