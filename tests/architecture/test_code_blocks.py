"""The Python on a page runs as it stands there, one block after the other; extending.md has its own test."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lru_tune.space.space import SearchSpace

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
EXPERIMENT = "runs/listops-20260131-142500"  # the one that the pages talk of
ANOTHER = "runs/listops-20260201-090000"
GOING_ON = "docs/going_on.md"
SEARCHES = {"docs/python.md"}  # start Ray, in a process of their own
SLOW = {"docs/figures.md", GOING_ON, *SEARCHES}  # compute a figure, need parameters, search
PAGES = {
    path.relative_to(ROOT).as_posix(): blocks
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
    if (blocks := BLOCK.findall(path.read_text())) and path.name != "extending.md"
}


def create_experiment(folder: Path) -> None:
    """Write what identifies the experiment."""
    space = SearchSpace.load(
        "listops", overrides=["steps=30", "eval_every=10", "tune.scheduler.grace=10"]
    )
    folder.mkdir(parents=True)
    (folder / "space.yaml").write_text(space.to_yaml())
    record = {"status": "completed", "task": "listops", "variant": "lru", "created": "2026-01-31"}
    (folder / "experiment.json").write_text(json.dumps(record))


@pytest.fixture
def experiment(tmp_path, write_run):
    """An experiment of two trials and two confirmations, one of whose trials failed."""
    folder = tmp_path / EXPERIMENT
    create_experiment(folder)
    create_experiment(tmp_path / ANOTHER)
    good = {"optim.learning_rate": 0.002}
    for place in (folder, tmp_path / ANOTHER):
        write_run(place / "trials" / "0000-good", config=good)
    write_run(
        folder / "trials" / "0001-lost", status="failed", accuracies=(0.3,), error="no memory"
    )
    for seed in (1, 2):
        measured = {"test/accuracy": 0.5 + seed / 100, "test/loss": 1.0}
        for place in (folder, tmp_path / ANOTHER):
            write_run(
                place / "confirm" / f"00-seed{seed}", config=good | {"seed": seed}, **measured
            )


@pytest.fixture
def winner(tmp_path):
    """A trial of a few steps, exported, and the arrays that it was trained on."""
    from data_prep import ensure_prepared
    from lru_tune.config.config_files import load_run_config
    from lru_tune.data.manifest import SYNTHETIC_FOLDER
    from lru_tune.files.paths import search_space_file
    from lru_tune.training.loop import train
    from lru_tune.training.trained.parameters import parameter_files

    ensure_prepared("listops", tmp_path, synthetic=True)
    (tmp_path / SYNTHETIC_FOLDER).rename(tmp_path / "data")
    small = ["steps=2", "eval_every=2", "data.batch_size=8", "data.max_length=64"]
    small += ["model.n_layers=1", "model.d_model=8", "model.d_hidden=8"]
    config = load_run_config(search_space_file("listops"), overrides=small)
    folder = tmp_path / "winner"
    list(train(config, data_root=tmp_path / "data", run_dir=folder))
    for name, content in parameter_files(folder).items():
        (folder / name).write_bytes(content)


def test_blocks_are_found():
    assert {"docs/results.md", "docs/verdicts.md", "docs/figures.md"} <= set(PAGES)


@pytest.mark.usefixtures("experiment")
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "page", [pytest.param(p, marks=pytest.mark.slow) if p in SLOW else p for p in PAGES]
)
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch, request):
    if page == GOING_ON:
        request.getfixturevalue("winner")
    if page in SEARCHES:
        script = "\n".join(PAGES[page])
        command, environment = (
            [sys.executable, "-c", script],
            os.environ | {"PYTHONPATH": str(ROOT)},
        )
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
        return
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in PAGES[page]:
        exec(compile(block, page, "exec"), names)
