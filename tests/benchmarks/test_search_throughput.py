import json
import subprocess
from types import SimpleNamespace

import pytest

from benchmarks import search_throughput
from benchmarks.search_throughput import Size, own_rate, peer_search
from lru_tune.files import run_directory as runs


def test_a_trials_own_rate_leaves_out_what_was_before_its_first_report(tmp_path):
    rows = [
        dict.fromkeys(runs.METRICS_COLUMNS, 0.0) | {runs.STEP: step, runs.SECONDS: seconds}
        for step, seconds in ((10, 7.0), (20, 8.0), (40, 10.0))
    ]
    runs.write_metrics(tmp_path, rows)
    assert own_rate(tmp_path / runs.METRICS_FILE) == pytest.approx(10.0)


def test_runs_of_the_peer_that_were_not_made_count_as_the_later_ones(tmp_path, monkeypatch):
    made = [{"steps": 100, "seconds": s, "loop_seconds": 2.0} for s in (9.0, 3.0, 5.0)]
    done = SimpleNamespace(stdout=json.dumps(made) + "\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    clock = iter((0.0, 20.0))  # 12 of them are the start and the first run
    monkeypatch.setattr(search_throughput.time, "perf_counter", lambda: next(clock))
    found = peer_search(tmp_path, "python", Size(trials=6, epochs=1, examples=1), runs=3)
    assert found.seconds == pytest.approx(12.0 + 5 * 4.0)
    assert found.total == pytest.approx(6 * 100 / 32.0)
    assert found.steady == pytest.approx(50.0)
