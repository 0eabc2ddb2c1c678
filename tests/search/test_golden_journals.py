"""The same seed gives the same trials, reports and ends as the journals under tests/golden."""

from pathlib import Path

import pytest
from scripted_task import plan_for, worker_for

from lru_tune.search.experiment import create_experiment, search
from lru_tune.space.space import SearchSpace

JOURNALS = Path(__file__).resolve().parents[1] / "golden" / "journals"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["asha", "median"])
def test_a_search_of_one_worker_repeats_its_journal(kind, machine, task, tmp_path):
    overrides = [f"tune.scheduler.kind={kind}"]
    space = SearchSpace.load(JOURNALS / "space.yaml", overrides=overrides)
    folder = tmp_path / "experiment"
    folder.mkdir()
    create_experiment(space, folder, task)
    plan = plan_for(space, machine, at_once=1)
    search(plan, folder, worker_for(plan, task))
    assert (folder / "journal.jsonl").read_text() == (JOURNALS / f"{kind}.jsonl").read_text()
