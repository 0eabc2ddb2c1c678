"""A lane server from its clients' side: first in this process without Ray, then whole searches through it."""

import threading
from pathlib import Path

import pytest

from lru_tune.config.schema import RunConfig
from lru_tune.errors import ConfigError, Diverged
from lru_tune.files import run_directory as runs
from lru_tune.search.lanes import server as lane_server
from lru_tune.search.lanes.server import LaneLost, LaneServer
from lru_tune.training.lanes import lane_run

STEPS, EVERY = 12, 4


def tiny(**changes) -> dict:
    """A run on the copy twin that compiles in seconds."""
    config = {
        "task": "copy",
        "model": {"n_layers": 1, "d_model": 6, "d_hidden": 6, "pooling": "none"},
        "optim": {"learning_rate": 4e-3},
        "data": {"batch_size": 16, "train_examples": 64, "val_examples": 32},
        "steps": STEPS,
        "eval_every": EVERY,
    }
    return RunConfig.model_validate(config | changes).model_dump(mode="json")


WILD = {"learning_rate": 1e30, "warmup_fraction": 0.0, "schedule": "constant"}


@pytest.fixture(scope="module")
def server(synthetic_root):
    """One for all tests, so that its programs are compiled once."""
    made = LaneServer(str(synthetic_root / "synthetic"), cpus=1, gpus=0)
    yield made
    made.close()


def submit(server, folder: Path, lanes=4, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    return server.request_lane(tiny(**changes), str(folder), lanes)


def steps_told(server, lease) -> list[int]:
    """Take a run to its end."""
    told = []
    while not told or told[-1] < STEPS:
        told.append(server.next_report(lease.ticket).outcome.step)
    server.release(lease.ticket, "completed", {})
    return told


@pytest.mark.slow
def test_clients_in_threads_get_their_own_reports(server, tmp_path):
    told = {}

    def client(number):
        lease = submit(server, tmp_path / str(number), seed=number)
        told[number] = steps_told(server, lease)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {number: [4, 8, 12] for number in range(3)}
    assert server.lanes_in_use() == 0
    losses = {runs.read_metrics(tmp_path / str(n))[-1][runs.VAL_LOSS] for n in range(3)}
    assert len(losses) == 3
    for number in range(3):
        assert runs.read_result(tmp_path / str(number))["status"] == "completed"


@pytest.mark.slow
def test_a_lane_that_is_freed_is_given_to_the_next(server, tmp_path):
    first, second = (submit(server, tmp_path / name, lanes=2) for name in "ab")
    assert submit(server, tmp_path / "c", lanes=2) is None
    server.next_report(first.ticket)
    server.release(first.ticket, "interrupted", {})
    third = submit(server, tmp_path / "c", lanes=2)
    assert third.step == 0
    assert steps_told(server, third) == [4, 8, 12]
    assert steps_told(server, second) == [4, 8, 12]
    result = runs.read_result(tmp_path / "a")
    assert (result["status"], result["steps"]) == ("interrupted", EVERY)
    assert [row["step"] for row in runs.read_metrics(tmp_path / "a")] == [EVERY]


@pytest.mark.slow
def test_another_attempt_takes_the_lane_of_the_first_and_goes_on(server, tmp_path):
    lost = submit(server, tmp_path / "run")
    server.next_report(lost.ticket)
    again = submit(server, tmp_path / "run")
    assert again.step == EVERY
    assert server.lanes_in_use() == 1
    with pytest.raises(LaneLost):
        server.next_report(lost.ticket)
    server.release(lost.ticket, "interrupted", {})  # changes nothing
    assert steps_told(server, again) == [8, 12]


@pytest.mark.slow
def test_a_client_that_fell_silent_loses_its_lane_to_one_that_waits(server, tmp_path, monkeypatch):
    silent = submit(server, tmp_path / "silent", lanes=1)
    server.next_report(silent.ticket)
    assert submit(server, tmp_path / "next", lanes=1) is None
    monkeypatch.setattr(lane_server, "LEASE_SECONDS", 0.0)
    following = submit(server, tmp_path / "next", lanes=1)
    with pytest.raises(LaneLost):
        server.next_report(silent.ticket)
    assert steps_told(server, following) == [4, 8, 12]


@pytest.mark.slow
def test_closing_leaves_runs_that_can_go_on_and_changes_no_result(synthetic_root, tmp_path):
    closing = LaneServer(str(synthetic_root / "synthetic"), cpus=1, gpus=0)
    going, failed = submit(closing, tmp_path / "going"), submit(closing, tmp_path / "failed")
    closing.next_report(going.ticket)
    runs.write_result(tmp_path / "failed", "failed")
    closing.close()
    assert failed.step == 0
    assert runs.read_result(tmp_path / "going")["status"] == "interrupted"
    assert runs.read_result(tmp_path / "failed")["status"] == "failed"


@pytest.mark.slow
def test_divergence_is_told_and_the_lane_is_free(server, tmp_path):
    bad = submit(server, tmp_path / "bad", optim=WILD)
    good = submit(server, tmp_path / "good")
    outcome = server.next_report(bad.ticket).outcome
    assert isinstance(outcome, Diverged)
    server.release(bad.ticket, "diverged", {"error": str(outcome)})
    assert runs.read_result(tmp_path / "bad")["status"] == "diverged"
    assert steps_told(server, good) == [4, 8, 12]


def test_a_run_that_cannot_be_opened_is_an_answer_and_takes_no_lane(server, tmp_path):
    answer = submit(server, tmp_path / "run", data={"batch_size": 4096})
    assert isinstance(answer, ConfigError)
    assert "larger than" in str(answer)
    assert server.lanes_in_use() == 0


@pytest.mark.slow
def test_what_breaks_training_reaches_every_client_and_the_server_works_on(
    server, tmp_path, monkeypatch
):
    first, second = (submit(server, tmp_path / name) for name in "ab")

    def breaks(self, count):
        raise MemoryError("RESOURCE_EXHAUSTED: out of memory")

    monkeypatch.setattr(lane_run.LaneRun, "next_batches", breaks)
    for lease in (first, second):
        with pytest.raises(MemoryError, match="RESOURCE_EXHAUSTED"):
            steps_told(server, lease)
        server.release(lease.ticket, "interrupted", {})
    monkeypatch.undo()
    again = submit(server, tmp_path / "a")
    assert steps_told(server, again)[-1] == STEPS


@pytest.mark.slow
def test_a_report_that_cannot_be_written_is_its_own_client_s_error(server, tmp_path, monkeypatch):
    full, other = submit(server, tmp_path / "full"), submit(server, tmp_path / "other")
    write = runs.write_metrics

    def disk_full(run_dir, rows):
        if run_dir.name == "full":
            raise OSError(28, "No space left on device")
        write(run_dir, rows)

    monkeypatch.setattr(runs, "write_metrics", disk_full)
    with pytest.raises(OSError, match="No space left"):
        server.next_report(full.ticket)
    server.release(full.ticket, "interrupted", {})
    assert steps_told(server, other) == [4, 8, 12]
