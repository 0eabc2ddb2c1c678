"""Drivers that are killed, interrupted and resumed: nothing is lost, nothing is run twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scripted_training import EXECUTED, TEST_READ

from lru_tune.files import run_directory as runs
from lru_tune.files.experiment_folder import SPACE_FILE, read_experiment
from lru_tune.search.strategy.journal import Ended, Journal, Suggested

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
HERE = Path(__file__).resolve().parent
SLOW = "0.05"  # seconds a report, so that a signal meets a trial under way
PATIENCE = 120  # seconds until a loaded machine has got so far
SOON = 45  # seconds to end in, less than the minute that Ray waits for a process it has lost


@pytest.fixture
def launch(make_space, task, tmp_path):
    """Start a driver; the space is the usual one with TPE in use before the end."""
    (task.folder.parent / "slow").write_text(SLOW)
    make_space(tune__searcher__kind="optuna", tune__trials=14)

    def launch(folder: Path, at_once: int = 1) -> subprocess.Popen:
        folder.mkdir(exist_ok=True)
        space = tmp_path / "space-under-test.yaml"
        words = [folder, space, task.folder.parent, at_once]
        return subprocess.Popen(
            [sys.executable, str(HERE / "scripted_driver.py"), *map(str, words)],
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    return launch


def wait_for_events(folder: Path, count: int, driver: subprocess.Popen) -> None:
    journal, deadline = folder / "journal.jsonl", time.monotonic() + PATIENCE
    while not journal.is_file() or journal.read_text().count("\n") < count:
        assert driver.poll() is None, driver.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def finish(driver: subprocess.Popen) -> str:
    stderr = driver.communicate(timeout=PATIENCE)[1]
    assert driver.returncode == 0, stderr
    return stderr


def course(folder: Path) -> list[tuple]:
    """Return what was proposed and how it ended, in order of proposal."""
    events = Journal(folder / "journal.jsonl").events
    ends = {event.number: event.status for event in events if isinstance(event, Ended)}
    return [(e.run, e.sample, ends.get(e.number)) for e in events if isinstance(e, Suggested)]


def executed_steps(folder: Path) -> dict[str, list[int]]:
    logs = folder.glob(f"*/*/{EXECUTED}")
    return {log.parent.name: [int(step) for step in log.read_text().split()] for log in logs}


def check_whole(folder: Path, data_root: Path) -> None:
    """Assert that an experiment is complete and that no step of it was executed twice."""
    for name, steps in executed_steps(folder).items():
        assert steps == list(range(0, 10 * len(steps), 10)), name
    for run_dir in (folder / "trials").iterdir():
        result = runs.read_result(run_dir)
        assert result["status"] in ("completed", "stopped")
        assert result["steps"] == 10 * len(executed_steps(folder)[run_dir.name])
    assert read_experiment(folder)["status"] == "completed"
    assert len(list((folder / "trials").iterdir())) == 14
    assert (folder / SPACE_FILE).is_file()
    assert (folder / "best.yaml").is_file()
    tested = (data_root / TEST_READ).read_text().split()
    assert len(tested) == len(set(tested)) == 4


@pytest.fixture
def uninterrupted(launch, task, tmp_path) -> list[tuple]:
    folder = tmp_path / "uninterrupted"
    finish(launch(folder))
    (task.folder.parent / TEST_READ).unlink()
    return course(folder)


def test_a_driver_killed_again_and_again_goes_the_same_way(launch, task, tmp_path, uninterrupted):
    folder = tmp_path / "killed"
    for events in (3, 20, 41):
        driver = launch(folder)
        wait_for_events(folder, events, driver)
        driver.kill()
        driver.communicate()
    finish(launch(folder))
    assert course(folder) == uninterrupted
    check_whole(folder, task.folder.parent)


@pytest.mark.parametrize(
    ("send", "names"),
    [
        (os.kill, ["SIGTERM"]),
        (os.killpg, ["SIGINT"]),
        (os.killpg, ["SIGTERM", "SIGTERM"]),  # as `timeout` does
        (os.killpg, ["SIGHUP", "SIGHUP"]),  # as a closing terminal does
    ],
)
def test_a_signal_ends_a_search_in_good_order(launch, task, tmp_path, send, names, uninterrupted):
    folder = tmp_path / "signalled"
    driver = launch(folder)
    wait_for_events(folder, 20, driver)
    for name in names:
        send(driver.pid, getattr(signal, name))
        time.sleep(0.1)
    stderr = driver.communicate(timeout=SOON)[1]
    assert driver.returncode == 130
    assert f"--resume {folder}" in stderr
    assert "Traceback" not in stderr
    assert read_experiment(folder)["status"] == "interrupted"
    for executed in (folder / "trials").glob(f"*/{EXECUTED}"):
        assert runs.read_result(executed.parent) is not None

    finish(launch(folder))
    assert course(folder) == uninterrupted
    check_whole(folder, task.folder.parent)


def test_two_trials_at_a_time_survive_a_killed_driver(launch, task, tmp_path):
    folder = tmp_path / "killed"
    driver = launch(folder, at_once=2)
    wait_for_events(folder, 25, driver)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.communicate()
    before = course(folder)
    finish(launch(folder, at_once=2))
    kept = [(run, sample, status) for run, sample, status in before if status]
    after = course(folder)
    assert [entry for entry in after if entry in kept] == kept
    assert [run for run, _, _ in after][: len(before)] == [run for run, _, _ in before]
    check_whole(folder, task.folder.parent)


def test_one_experiment_is_run_by_one_process(launch, tmp_path):
    folder = tmp_path / "experiment"
    first = launch(folder)
    wait_for_events(folder, 2, first)
    second = launch(folder)
    stderr = second.communicate(timeout=PATIENCE)[1]
    assert second.returncode == 4
    assert f"is being worked on by another process (process {first.pid} on " in stderr
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=PATIENCE)
