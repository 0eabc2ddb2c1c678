"""Work in several processes: in order, and ended with the process that started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_prep.pipeline.workers import map_in_order

PATIENCE_SECONDS = 60.0

PROGRAM = """
import os
from data_prep.pipeline.workers import map_in_order

if __name__ == "__main__":
    for pid in map_in_order(os.getpgid, [0] * 1_000_000, 2):
        print(pid, flush=True)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_items(workers):
    assert list(map_in_order(abs, range(-20, 0), workers)) == list(range(20, 0, -1))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the workers under /proc")
def test_workers_end_when_their_parent_is_killed(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "program.py"],
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert parent.stdout is not None
    parent.stdout.readline()
    workers = _members(parent.pid) - {parent.pid}
    assert len(workers) >= 2
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := _members(parent.pid)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == set()


def _members(session: int) -> set[int]:
    """Return the processes of a session that are still running."""
    members = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                members.add(int(folder.name))
    return members
