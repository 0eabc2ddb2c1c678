import runpy
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_on_an_experiment_with_every_fate(notebook, experiment, monkeypatch):
    matplotlib = pytest.importorskip("matplotlib", reason="needs the extra `notebooks`")
    matplotlib.use("Agg")
    monkeypatch.setenv("LRU_TUNE_EXPERIMENT", str(experiment))
    names = runpy.run_path(str(notebook))
    assert names["best"]["trial"] == "0000-good"
    assert "config/optim.learning_rate" in names["searched"]
