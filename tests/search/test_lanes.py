"""Whole searches in lanes, through Ray: the same trials as alone, whatever is stopped or killed.

Values agree to the rounding of sums that are taken in another order: see
tests/training/lanes/test_programs.py.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import ray
import yaml

from lru_tune.data.store import open_task
from lru_tune.files import run_directory as runs
from lru_tune.search.experiment import confirm, create_experiment, search
from lru_tune.search.plan import make_plan
from lru_tune.search.ray.resources import ResourceRequest
from lru_tune.search.ray.trainable import WorkerSettings
from lru_tune.search.strategy.journal import Journal
from lru_tune.space.space import SearchSpace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
TOLERANCE = 2e-3
PROJECT = Path(__file__).resolve().parents[2]
RATE = "optim.learning_rate"
SPACE = {
    "schema": 1,
    "task": "copy",
    "base": {
        "model": {"pooling": "none", "n_layers": 1, "d_model": 8, "d_hidden": 8},
        "data": {"batch_size": 16},
        "steps": 24,
        "eval_every": 6,
    },
    "search": {
        RATE: {"loguniform": [1e-4, 1e-2]},
        "model.recurrence.r_max": {"uniform": [0.9, 1.0]},
    },
    "tune": {
        "trials": 6,
        "scheduler": {"kind": "none"},
        "searcher": {"kind": "random", "seed": 3},
        "confirm": {"top": 1, "seeds": 2},
    },
}


@pytest.fixture
def run(machine, synthetic_root, tmp_path):
    """Search the space with so many lanes; return the journal."""

    def run(folder: Path, lanes: int, confirmed: bool = False, **scheduler) -> Journal:
        path = tmp_path / "space.yaml"
        content = SPACE | {"tune": SPACE["tune"] | ({"scheduler": scheduler} if scheduler else {})}
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        space, task = SearchSpace.load(path), open_task("copy", synthetic_root / "synthetic")
        request = ResourceRequest(lanes=lanes, max_concurrent=lanes)
        plan = make_plan(
            space, machine, request, train_examples=task.manifest.counts["train"], confirm=confirmed
        )
        folder.mkdir()
        create_experiment(space, folder, task)
        worker = WorkerSettings(
            data_root=str(task.folder.parent),
            metric=plan.stopping.metric,
            mode=plan.stopping.mode,
            cpus=plan.allocation.cpus,
        )
        search(plan, folder, worker)
        if confirmed:
            confirm(plan, folder, worker)
        return Journal(folder / "journal.jsonl")

    return run


def by_sample(folder: Path, journal: Journal) -> dict[tuple, Path]:
    return {
        tuple(sorted(trial.sample.items())): folder / "trials" / trial.run
        for trial in journal.trials.values()
    }


def test_a_search_in_lanes_has_the_trials_of_one_without(run, tmp_path):
    alone = by_sample(tmp_path / "alone", run(tmp_path / "alone", lanes=1))
    lanes = by_sample(tmp_path / "lanes", run(tmp_path / "lanes", lanes=4, confirmed=True))
    assert alone.keys() == lanes.keys()
    for sample, run_dir in alone.items():
        mine, other = runs.read_metrics(run_dir), runs.read_metrics(lanes[sample])
        assert [row["step"] for row in mine] == [row["step"] for row in other] == [6, 12, 18, 24]
        for a, b in zip(mine, other, strict=True):
            for name in (runs.TRAIN_LOSS, runs.VAL_LOSS, runs.VAL_ACCURACY):
                assert a[name] == pytest.approx(b[name], rel=TOLERANCE, abs=TOLERANCE)
        assert runs.read_result(lanes[sample])["status"] == "completed"
        assert runs.TEST_ACCURACY not in runs.read_result(lanes[sample])
    for run_dir in (tmp_path / "lanes" / "confirm").iterdir():
        assert runs.TEST_ACCURACY in runs.read_result(run_dir)


def test_trials_that_are_stopped_free_their_lanes(run, tmp_path):
    journal = run(tmp_path / "asha", lanes=2, kind="asha", grace=6, reduction_factor=2)
    ends = [trial.status for trial in journal.trials.values()]
    assert len(ends) == 6
    assert set(ends) == {"completed", "stopped"}
    for trial in journal.trials.values():
        run_dir = tmp_path / "asha" / "trials" / trial.run
        assert runs.read_metrics(run_dir)[-1]["step"] == trial.step
        assert runs.read_result(run_dir)["status"] == trial.status
        assert runs.read_result(run_dir)["steps"] == trial.step


def test_a_killed_server_costs_no_trial_and_no_report(run, tmp_path):
    folder, killed = tmp_path / "killed", []

    def kill_after_reports():
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline and not killed:
            if any(folder.glob("trials/*/metrics.csv")):
                for pid in _servers():
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            time.sleep(0.02)

    killer = threading.Thread(target=kill_after_reports)
    killer.start()
    journal = run(folder, lanes=3)
    killer.join()
    assert killed
    assert {trial.status for trial in journal.trials.values()} == {"completed"}
    for trial in journal.trials.values():
        rows = runs.read_metrics(folder / "trials" / trial.run)
        assert [row["step"] for row in rows] == [6, 12, 18, 24]


def test_a_killed_driver_goes_on_from_the_checkpoints_of_its_lanes(synthetic_root, tmp_path):
    space = tmp_path / "space.yaml"
    longer = SPACE["base"] | {"steps": 600, "eval_every": 100}
    space.write_text(yaml.safe_dump(SPACE | {"base": longer}, sort_keys=False))
    words = ["--lanes", "3", "--max-concurrent", "3", "--no-confirm"]
    words += ["--data-root", str(synthetic_root), "--runs-root", str(tmp_path)]

    def tune(*more: str) -> subprocess.Popen:
        command = [sys.executable, str(PROJECT / "tune.py"), *more, *words]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    driver = tune("--space", str(space), "--synthetic", "--name", "killed")
    deadline = time.monotonic() + 300
    while not any(tmp_path.glob("killed/trials/*/metrics.csv")):
        assert driver.poll() is None, driver.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    driver.kill()
    driver.communicate()
    before = {path: runs.read_metrics(path) for path in tmp_path.glob("killed/trials/*")}
    again = tune("--resume", str(tmp_path / "killed"))
    _, said = again.communicate(timeout=300)
    assert again.returncode == 0, said
    assert len(list(tmp_path.glob("killed/trials/*"))) == 6
    for run_dir in tmp_path.glob("killed/trials/*"):
        rows = runs.read_metrics(run_dir)
        assert [row["step"] for row in rows] == [100, 200, 300, 400, 500, 600]
        # The kill may have come before the last report's checkpoint.
        told = before.get(run_dir, [])[:-1]
        assert rows[: len(told)] == told


def _servers() -> list[int]:
    """Processes of the lane servers of this test's Ray."""
    servers = [ray.get_actor(name) for name in ray.util.list_named_actors()]
    return [ray.get(server.__ray_call__.remote(lambda _: os.getpid())) for server in servers]
