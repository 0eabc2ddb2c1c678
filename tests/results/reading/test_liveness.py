"""After a kill, every reader of an experiment says at once that nobody works on it."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from lru_tune.files.experiment_folder import SILENT_SECONDS
from lru_tune.reproduction.status import reproduction_status
from lru_tune.results import load_runs
from lru_tune.search.status import search_status

WORK = """
import sys, time
from pathlib import Path
from lru_tune.files.folder_lock import lock_folder

with lock_folder(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def work():
    """A function that starts a process that holds the lock of a folder, as a search does."""
    started = []

    def start(folder):
        process = subprocess.Popen(
            [sys.executable, "-c", WORK, str(folder)], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "locked\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def make_old(folder):
    os.utime(folder, (time.time() - 2 * SILENT_SECONDS,) * 2)


@pytest.fixture
def search(empty_experiment, write_run):
    """An experiment with one confirmation run that has not ended."""
    folder = empty_experiment(status="running", plan={"trials": 1})
    write_run(folder / "confirm" / "00-seed100", status=None)
    return folder


def test_a_killed_search_is_interrupted_for_every_reader(search, work):
    runs = search / "confirm"
    process = work(search)
    make_old(runs / "00-seed100")  # a long compilation writes nothing
    assert search_status(search).state == "running"
    assert load_runs(runs)["status"].tolist() == ["running"]
    kill(process)
    os.utime(runs / "00-seed100")  # it wrote a report just before
    status = search_status(search)
    assert status.state == "interrupted"
    assert [run.status for run in status.stages[1].runs] == ["interrupted"]
    assert load_runs(runs)["status"].tolist() == ["interrupted"]


def test_a_killed_reproduction_is_interrupted_for_every_reader(tmp_path, write_run, work):
    root = tmp_path / "runs" / "reproductions"
    run = write_run(root / "runs" / "listops-lru-1", status=None)
    process = work(root)
    make_old(run)
    assert reproduction_status(root).state == "running"
    assert load_runs(root / "runs")["status"].tolist() == ["running"]
    kill(process)
    os.utime(run)
    status = reproduction_status(root)
    assert (status.state, status.stages[0].runs[0].status) == ("interrupted", "interrupted")
    assert load_runs(root / "runs")["status"].tolist() == ["interrupted"]


@pytest.mark.parametrize(("age", "state"), [(0, "running"), (2 * SILENT_SECONDS, "silent")])
def test_the_files_of_another_machine_are_judged_by_their_age(search, age, state):
    record = json.loads((search / "experiment.json").read_text())
    record["process"] = {"pid": 1, "host": "another"}
    (search / "experiment.json").write_text(json.dumps(record))
    (search / ".lock").touch()  # free, as far as this machine can see
    run = search / "confirm" / "00-seed100"
    os.utime(run, (time.time() - age,) * 2)
    assert search_status(search).state == state
    expected = "running" if state == "running" else "interrupted"
    assert load_runs(run.parent)["status"].tolist() == [expected]
    assert [run.status for run in search_status(search).stages[1].runs] == [expected]
