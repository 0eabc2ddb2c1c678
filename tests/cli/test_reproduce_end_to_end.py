"""Tables that are really trained, on synthetic twins, and a result that is run again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lru_tune.files import run_directory as runs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]


def reproduce(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the door as a user does, from another folder and without an installation."""
    return subprocess.run(
        [sys.executable, str(ROOT / "reproduce.py"), *words],
        cwd=folder,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, Path]:
    """A folder in which two seeds of a cell were trained, and the folder of the table's files."""
    folder = tmp_path_factory.mktemp("trained")
    words = ["--table", "1", "--quick", "--synthetic", "--tasks", "listops", "--rows", "RNN-Lin"]
    short = ["--set", "steps=40", "--set", "eval_every=20"]
    done = reproduce(folder, *words, *short, "--seeds", "2")
    assert done.returncode == 0, done.stderr
    return folder, Path(done.stdout.splitlines()[-1])


def test_a_table_is_trained_labelled_and_gets_no_verdict(trained):
    folder, files = trained
    content = json.loads((files / "reproduction.json").read_text())
    assert [label.partition(":")[0] for label in content["labels"]] == [
        "QUICK",
        "SYNTHETIC",
        "CHANGED",
    ]
    (cell,) = (c for c in content["cells"] if c["n"])
    assert (cell["row"], cell["task"], cell["n"], cell["verdict"]) == (
        "RNN-Lin",
        "listops",
        2,
        None,
    )
    assert all(0 <= accuracy <= 100 for accuracy in cell["accuracies"])
    reproductions = folder / "runs" / "reproductions"
    assert len(list((reproductions / "recipes").glob("*.yaml"))) == 1
    results = [runs.read_result(path) for path in (reproductions / "runs").iterdir()]
    assert sum(runs.TEST_ACCURACY in result for result in results) == 2
    assert len(results) == 4


def test_a_result_sent_around_is_run_again_to_the_same_numbers(trained, tmp_path):
    folder, _ = trained
    found = (folder / "runs" / "reproductions" / "runs").glob("*/result.json")
    (tmp_path / "result.json").write_text(
        next(text for path in found if runs.TEST_ACCURACY in (text := path.read_text()))
    )
    done = reproduce(tmp_path, "--from", "result.json", "--data-root", str(folder / "data"))
    assert done.returncode == 0, done.stderr
    for name in (runs.VAL_LOSS, runs.TEST_LOSS, runs.TEST_ACCURACY):
        (line,) = (line for line in done.stderr.splitlines() if line.startswith(f"{name}:"))
        assert line.endswith("equal"), line
    run_dir = Path(done.stdout.splitlines()[-1])
    assert (run_dir / "metrics.csv").is_file()


def test_a_result_is_not_run_again_on_other_data(trained, tmp_path):
    folder, _ = trained
    path = next((folder / "runs" / "reproductions" / "runs").glob("*/result.json"))
    content = json.loads(path.read_text())
    content["data"]["fingerprint"] = "000000000000"
    (tmp_path / "result.json").write_text(json.dumps(content))
    done = reproduce(tmp_path, "--from", "result.json", "--data-root", str(folder / "data"))
    assert done.returncode == 3
    assert "holds other data" in done.stderr


def test_a_small_model_s_speed_is_measured(tmp_path):
    small = [f"model.{field}=8" for field in ("d_model", "d_hidden")]
    sets = [
        word
        for text in (*small, "model.n_layers=1", "data.max_length=16")
        for word in ("--set", text)
    ]
    done = reproduce(tmp_path, "--table", "4", "--quick", "--tasks", "listops", *sets)
    assert done.returncode == 0, done.stderr
    files = Path(done.stdout.splitlines()[-1])
    cells = json.loads((files / "reproduction.json").read_text())["cells"]
    assert [cell["row"] for cell in cells] == ["Tanh RNN", "LRU"]
    assert all(cell["steps_per_second"] > 0 for cell in cells)
    assert all(cell["device"].startswith("cpu: ") for cell in cells)


def test_the_seeds_of_a_cell_share_lanes_and_the_seconds_in_them(tmp_path):
    words = ["--table", "1", "--quick", "--synthetic", "--tasks", "listops", "--rows", "RNN-Lin"]
    short = ["--set", "steps=40", "--set", "eval_every=20", "--learning-rates", "1e-3"]
    lanes = ["--seeds", "2", "--lanes", "2", "--max-concurrent", "2", "--cpus-per-trial", "1"]
    done = reproduce(tmp_path, *words, *short, *lanes)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "reproductions" / "runs"
    results = [runs.read_result(path) for path in folder.iterdir()]
    assert len(results) == 2
    for result in results:
        assert runs.TEST_ACCURACY in result
        assert sum(result[name] for name in runs.PARTS_OF_SECONDS) == result["device_seconds"]
    whole = max(result["seconds"] for result in results)
    assert sum(result["device_seconds"] for result in results) < 1.1 * whole
