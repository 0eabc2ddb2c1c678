import runpy
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
OF_SEARCHES = [
    path for path in sorted(NOTEBOOKS.glob("[0-9]*.py")) if path.name[:2] not in ("05", "06")
]


@pytest.mark.slow
@pytest.mark.parametrize("notebook", OF_SEARCHES, ids=lambda path: path.name)
def test_a_notebook_runs_on_an_experiment_with_every_fate(notebook, experiment, monkeypatch):
    pytest.importorskip("matplotlib", reason="needs the extra `notebooks`")
    monkeypatch.setenv("LRU_TUNE_NOTEBOOK_PATH", str(experiment))
    names = runpy.run_path(str(notebook))
    assert len(names["trials"]) == 7
    if "best" in names:
        assert names["best"]["trial"] == "0000-good"


@pytest.mark.slow
@pytest.mark.parametrize("notebook", OF_SEARCHES, ids=lambda path: path.name)
def test_a_notebook_runs_before_there_is_a_confirmation(
    notebook, empty_experiment, write_run, monkeypatch
):
    folder = empty_experiment(status="running")
    for number, status in enumerate(("completed", None)):
        rate = {"optim.learning_rate": 0.001 * (number + 1)}
        write_run(folder / "trials" / f"000{number}-a", status=status, config=rate)
    monkeypatch.setenv("LRU_TUNE_NOTEBOOK_PATH", str(folder))
    names = runpy.run_path(str(notebook))
    assert names["trials"]["status"].tolist() == ["completed", "running"]
