"""Reproductions that are killed, interrupted and begun again: nothing is lost, nothing is run twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scripted_training import EXECUTED, TEST_READ

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
HERE = Path(__file__).resolve().parent
PATIENCE = 120  # seconds until a loaded machine has got so far
SOON = 45  # seconds to end in, less than the minute that Ray waits for a process it has lost
WORDS = (
    *("--table", "1", "--tasks", "listops", "--rows", "RNN-Lin", "--synthetic"),
    *("--set", "steps=90", "--set", "eval_every=10", "--set", "data.batch_size=10"),
    *("--learning-rates", "0.2,0.5,0.9", "--seeds", "2", "--max-concurrent", "1"),
)


@pytest.fixture
def launch(tmp_path, data_root):
    """Start the command; each report takes a moment, so that a signal meets a run under way."""
    twins = data_root / "synthetic"
    twins.mkdir()
    (twins / "slow").write_text("0.05")

    def launch(*more: str) -> subprocess.Popen:
        roots = ["--data-root", str(data_root), "--runs-root", str(tmp_path / "runs")]
        return subprocess.Popen(
            [sys.executable, str(HERE / "reproduce_driver.py"), *WORDS, *roots, *more],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    return launch


def steps_executed(tmp_path: Path) -> dict[str, list[int]]:
    logs = (tmp_path / "runs" / "reproductions" / "runs").glob(f"*/{EXECUTED}")
    return {log.parent.name: [int(step) for step in log.read_text().split()] for log in logs}


def wait_for_steps(tmp_path: Path, count: int, driver: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE
    while sum(map(len, steps_executed(tmp_path).values())) < count:
        assert driver.poll() is None, driver.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def finish(driver: subprocess.Popen) -> tuple[str, str]:
    said = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 0, said[1]
    return said


def check_whole(tmp_path: Path, data_root: Path, *, seeds: int) -> None:
    """Assert that everything is there and that no step was executed twice."""
    executed = steps_executed(tmp_path)
    for name, steps in executed.items():
        assert steps == list(range(0, 10 * len(steps), 10)), name
    assert len(executed) == 3 + seeds
    tested = (data_root / "synthetic" / TEST_READ).read_text().split()
    assert len(tested) == len(set(tested)) == seeds


def test_a_command_killed_again_and_again_goes_on_where_it_was(launch, tmp_path, data_root):
    for steps in (3, 20, 38):
        driver = launch()
        wait_for_steps(tmp_path, steps, driver)
        driver.kill()
        driver.communicate()
    stdout, _ = finish(launch())
    check_whole(tmp_path, data_root, seeds=2)
    assert (Path(stdout.splitlines()[-1]) / "table.md").is_file()

    before = steps_executed(tmp_path)
    _, stderr = finish(launch())
    assert "everything asked for has been run before" in stderr
    assert steps_executed(tmp_path) == before


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_in_good_order_with_the_command_that_goes_on(
    launch, tmp_path, data_root, name
):
    driver = launch()
    wait_for_steps(tmp_path, 20, driver)
    os.killpg(driver.pid, getattr(signal, name))
    stdout, stderr = driver.communicate(timeout=SOON)
    assert driver.returncode == 130
    assert f"Continue with:  lru-tune reproduce {' '.join(WORDS[:6])}" in stderr
    assert "Traceback" not in stderr
    assert (Path(stdout.splitlines()[-1]) / "table.md").is_file(), "what is there is shown"

    finish(launch())
    check_whole(tmp_path, data_root, seeds=2)


def test_two_commands_do_not_work_in_one_place(launch, tmp_path):
    first = launch()
    wait_for_steps(tmp_path, 2, first)
    second = launch()
    stderr = second.communicate(timeout=PATIENCE)[1]
    assert second.returncode == 4
    assert f"is being worked on by another process (process {first.pid} on " in stderr
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=PATIENCE)
