import importlib.util
import json
import os

import numpy as np
import pytest
import yaml

from lru_tune.cli import report
from lru_tune.results.reading.spectra import Spectra, write_spectra


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Keeps what the command sets for JAX from other tests."""
    monkeypatch.setattr(os, "environ", os.environ.copy())


@pytest.fixture
def searched(tmp_path, write_run):
    folder = tmp_path / "runs" / "listops-1"
    write_run(folder / "trials" / "0000-a", accuracies=(0.2, 0.6))
    write_run(folder / "trials" / "0001-b", accuracies=(0.2, 0.5), config={"model.dropout": 0.3})
    record = {"status": "completed", "task": "listops", "variant": "lru"}
    (folder / "experiment.json").write_text(json.dumps(record))
    space = {"search": {"model.dropout": {"choice": [0.1, 0.3]}}}
    (folder / "space.yaml").write_text(yaml.safe_dump(space))
    return folder


def test_both_reports_are_written_and_their_paths_printed(searched, capsys):
    assert report.main([str(searched)]) == 0
    paths = capsys.readouterr().out.splitlines()
    assert paths == [str(searched / "report.md"), str(searched / "report.html")]
    assert "Learning curves" in (searched / "report.html").read_text()
    assert not [path for path in searched.iterdir() if path.name.endswith(".tmp")]


def test_without_matplotlib_there_is_the_text_and_one_line_that_says_why(
    searched, monkeypatch, capsys
):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "matplotlib" else found(name)
    )
    assert report.main([str(searched)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [str(searched / "report.md")]
    (line,) = [line for line in err.splitlines() if "report.html" in line]
    assert "pip install 'lru-tune[figures]'" in line
    assert not (searched / "report.html").exists()


def test_a_damaged_checkpoint_costs_its_pictures_and_nothing_else(searched, capsys):
    folder = searched / "trials" / "0000-a" / "checkpoints"
    folder.mkdir()
    (folder / "best.msgpack").write_bytes(b"half")
    assert report.main([str(searched)]) == 0
    err = capsys.readouterr().err
    assert "checkpoint" in err or "checksum" in err
    assert "Eigenvalues" not in (searched / "report.html").read_text()


@pytest.mark.parametrize(("kept", "shown"), [("0000-a", True), ("0001-b", False)])
def test_kept_eigenvalues_are_shown_where_they_are_the_winners(kept, shown, searched):
    ring = [np.array([0.5 + 0.5j, 0.9j])]
    write_spectra(searched, kept, Spectra(ring, ring, [np.ones(2)], [np.ones(2)]))
    assert report.main([str(searched)]) == 0
    assert ("Eigenvalues of the best trial" in (searched / "report.html").read_text()) == shown


def test_an_experiment_under_way_has_a_report(searched, write_run):
    write_run(searched / "trials" / "0002-c", status=None, accuracies=(0.1,))
    record = json.loads((searched / "experiment.json").read_text()) | {"status": "running"}
    (searched / "experiment.json").write_text(json.dumps(record))
    assert report.main([str(searched)]) == 0
    assert "1 running" in (searched / "report.html").read_text()
