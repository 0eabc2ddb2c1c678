"""The Python on a page runs as it stands there, one block after the other; extending.md has its own test."""

import json
import re
from pathlib import Path

import pytest

from lru_tune.search.space import SearchSpace

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
EXPERIMENT = "runs/listops-20260131-142500"  # the one that the pages talk of
SLOW = {"docs/figures.md"}  # computes a figure
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
    record = {"status": "completed", "task": "listops", "variant": "lru"}
    (folder / "experiment.json").write_text(json.dumps(record))


@pytest.fixture
def experiment(tmp_path, write_run):
    """An experiment of two trials and two confirmations, one of whose trials failed."""
    folder = tmp_path / EXPERIMENT
    create_experiment(folder)
    write_run(folder / "trials" / "0000-good", config={"optim.learning_rate": 0.002})
    write_run(
        folder / "trials" / "0001-lost", status="failed", accuracies=(0.3,), error="no memory"
    )
    for seed in (1, 2):
        measured = {"test/accuracy": 0.5 + seed / 100, "test/loss": 1.0}
        write_run(folder / "confirm" / f"0000-seed{seed}", config={"seed": seed}, **measured)


def test_blocks_are_found():
    assert {"docs/results.md", "docs/verdicts.md", "docs/figures.md"} <= set(PAGES)


@pytest.mark.usefixtures("experiment")
@pytest.mark.parametrize(
    "page", [pytest.param(p, marks=pytest.mark.slow) if p in SLOW else p for p in PAGES]
)
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in PAGES[page]:
        exec(compile(block, page, "exec"), names)
