"""`lru-tune status`: what it says of every state of an experiment, and that it only reads."""

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lru_tune.cli import guard
from lru_tune.cli.status import main
from lru_tune.search.strategy.journal import Ended, Journal, Reported, Suggested

RECORD = {
    "status": "running",
    "created": "2026-01-31T14:25:00+00:00",
    "task": "listops",
    "variant": "lru",
    "scale": "quick",
    "synthetic": False,
    "metric": "val/accuracy",
    "mode": "max",
    "process": {"pid": os.getpid(), "host": platform.node()},
    "plan": {"trials": 4, "steps": 400, "horizon": 100, "confirm_runs": 2},
}


@pytest.fixture
def experiment(tmp_path, write_run):
    """A function that writes a search with a trial of every fate; keywords go into experiment.json."""

    def make(name: str = "listops-1", **record: object) -> Path:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        (folder / "experiment.json").write_text(json.dumps(RECORD | record))
        journal = Journal(folder / "journal.jsonl")
        for number, run in enumerate(("0000-done", "0001-stop", "0002-nan", "0003-live")):
            journal.append(Suggested(number, {}, run))
        for event in (
            Reported(0, 50, 1, 0.4, "running"),
            Reported(0, 100, 2, 0.7, "completed"),
            Ended(0, "completed"),
            Reported(1, 50, 1, 0.2, "running"),
            Ended(1, "stopped"),
            Reported(2, 50, 1, 0.9, "running"),
            Reported(2, 60, 2, 0.0, "diverged"),
            Ended(2, "diverged"),
            Reported(3, 50, 1, 0.3, "running"),
        ):
            journal.append(event)
        live = folder / "trials" / "0003-live"
        write_run(live, status=None, accuracies=(0.3,), every=50, config={"steps": 100})
        table = (live / "metrics.csv").read_text().splitlines()
        rate = f"{table[1].rpartition(',')[0]},640.0"  # examples per second, in batches of 32
        (live / "metrics.csv").write_text(f"{table[0]}\n{rate}\n")
        return folder

    return make


def snapshot(folder: Path) -> dict[Path, tuple[int, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def said(capsys, *words: object) -> str:
    assert guard(main, [str(word) for word in words]) == 0
    return capsys.readouterr().out


def test_a_running_search_is_told_in_full_and_not_touched(capsys, experiment):
    folder = experiment()
    before = snapshot(folder)
    text = said(capsys, folder)
    assert snapshot(folder) == before
    assert text.splitlines() == [
        "listops-1  RUNNING  (listops, lru, quick scale)",
        "search        3/4 ended (1 completed, 1 stopped, 1 diverged), 1 running",
        "  best        val/accuracy 0.7000 by 0000-done (completed)",
        "  0003-live  step 50 / 100  val/accuracy 0.3000  0 s ago",
        "confirmation  0/2 ended",
        # 640 examples a second in batches of 32; 400 steps planned, 260 done, then 2 x 100
        "pace          20.0 steps/s, roughly 17 s left",
        str(folder),
    ]


def test_the_same_for_programs(capsys, experiment):
    found = json.loads(said(capsys, experiment(), "--json"))
    assert (found["state"], found["kind"], found["steps_per_second"]) == ("running", "search", 20)
    search, confirmation = found["stages"]
    assert search["best"] == "0000-done"
    assert search["best_value"] == 0.7
    assert search["counts"] == {"completed": 1, "stopped": 1, "diverged": 1, "running": 1}
    assert search["runs"][3]["step"] == 50
    assert search["runs"][2]["best"] == 0.9  # its own last value, not the one put in for it
    assert confirmation["total"] == 2


def test_a_driver_that_was_killed_is_not_called_running(capsys, experiment):
    folder = experiment()
    (folder / ".lock").touch()  # free
    text = said(capsys, folder)
    assert "INTERRUPTED" in text
    assert "1 interrupted" in text
    assert "its process is gone; continue with:  lru-tune tune --resume " in text
    assert "steps/s" not in text


def test_an_interrupted_search_says_how_to_go_on(capsys, experiment):
    text = said(capsys, experiment(status="interrupted"))
    assert "INTERRUPTED" in text
    assert "note          continue with:  lru-tune tune --resume " in text


def test_the_command_that_goes_on_repeats_how_it_was_run(capsys, experiment):
    flags = ["--gpus-per-trial", "0.25", "--no-confirm"]
    text = said(capsys, experiment(status="interrupted", flags=flags))
    assert "listops-1 --gpus-per-trial 0.25 --no-confirm" in text


def test_silence_is_told_where_the_process_cannot_be_seen(capsys, experiment):
    folder = experiment(process={"pid": 1, "host": "another"})
    assert "RUNNING" in said(capsys, folder)
    for place in folder.glob("trials/*"):
        os.utime(place, (time.time() - 7200,) * 2)
    text = said(capsys, folder)
    assert "SILENT" in text
    assert "2 h 00 min ago" in text


def test_a_finished_search_has_no_pace(capsys, experiment):
    text = said(capsys, experiment(status="completed"))
    assert "COMPLETED" in text
    assert "steps/s" not in text
    assert "note" not in text


def test_without_a_name_it_is_the_newest(capsys, experiment, tmp_path):
    experiment("older", created="2001-01-01T00:00:00+00:00")
    newest = experiment("newest")
    experiment("old", created="2025-01-01T00:00:00+00:00")
    root = ("--runs-root", tmp_path / "runs")
    assert said(capsys, *root).splitlines()[-1] == str(newest)
    assert "older" in said(capsys, "older", *root).splitlines()[0]


@pytest.mark.parametrize("words", [["nowhere"], []])
def test_where_nothing_is_the_exit_code_is_2(capsys, tmp_path, words):
    assert guard(main, [*words, "--runs-root", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_reproduction_shows_its_runs_and_verdicts(capsys, tmp_path, write_run):
    root = tmp_path / "reproductions"
    write_run(root / "runs" / "listops-lru-1", accuracies=(0.1, 0.6))
    write_run(root / "runs" / "listops-lru-2", status=None, accuracies=(0.1,))
    table = root / "table1"
    table.mkdir()
    cells = [{"verdict": "REPRODUCED"}, {"verdict": None}, {"verdict": "REPRODUCED"}]
    content = {"title": "Table 1, run again", "cells": cells}
    (table / "reproduction.json").write_text(json.dumps(content))
    agenda = {"started": time.time() - 60, "ended": 1, "runs": 3}
    (root / "agenda.json").write_text(json.dumps(agenda))
    assert "time left unknown" in said(capsys, root)
    (root / "agenda.json").write_text(json.dumps(agenda | {"ended": 0}))
    for folder in (root, table):
        text = said(capsys, folder)
        assert "runs          1/3 ended (1 completed), 1 running" in text
        assert "roughly 2 min 0" in text
        assert "RUNNING" in text
        assert "table1: 2 REPRODUCED (Table 1, run again)" in text
    assert guard(main, [str(root / "tabel1")]) == 2
    (table / "reproduction.json").write_text("{")
    assert guard(main, [str(root)]) == 2
    empty = tmp_path / "empty" / "reproductions"
    empty.mkdir(parents=True)
    assert guard(main, [str(empty)]) == 2


def test_it_loads_nothing_heavy():
    code = (
        "import sys, lru_tune.cli.status\n"
        "sys.exit(' '.join({'ray', 'jax', 'pandas', 'optuna'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
