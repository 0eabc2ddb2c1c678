"""The same seed gives the same trials, reports and ends as the journals under tests/golden."""

import dataclasses
from pathlib import Path

import pytest
from scripted_task import options

from lru_tune.search.experiment import create_experiment, run_experiment
from lru_tune.space.space import SearchSpace

JOURNALS = Path(__file__).resolve().parents[1] / "golden" / "journals"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["asha", "median"])
def test_a_search_of_one_worker_repeats_its_journal(kind, task, tmp_path):
    overrides = [f"tune.scheduler.kind={kind}"]
    space = SearchSpace.load(JOURNALS / "space.yaml", overrides=overrides)
    folder = tmp_path / "experiment"
    folder.mkdir()
    create_experiment(space, folder, task)
    run_experiment(space, folder, task, dataclasses.replace(options(1), confirm=False))
    assert (folder / "journal.jsonl").read_text() == (JOURNALS / f"{kind}.jsonl").read_text()
