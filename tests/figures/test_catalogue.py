"""Choosing a figure, and the files it leaves."""

import csv
import json
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from lru_tune.drawing import new_canvas
from lru_tune.errors import ConfigError, ResourcesMissing
from lru_tune.figures import FIGURES, Figure, FigureResult, Statement, catalogue, run_figure


def small_result() -> FigureResult:
    def draw():
        canvas, panels = new_canvas(1, 1, size=(2.0, 2.0))
        panels[0, 0].plot([0, 1])
        return canvas

    statements = [Statement("one is one", True, "1"), Statement("one is two", False, "1")]
    return FigureResult({"seed": 7}, statements, {"x": np.arange(3), "y": np.full(3, 0.1)}, draw)


@pytest.fixture
def small(monkeypatch):
    """A figure called `small` that needs no time."""
    monkeypatch.setitem(FIGURES, "small", Figure("small", "A title", "a source", "nowhere"))
    monkeypatch.setattr(Figure, "make", lambda self: small_result())


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_its_module(name):
    assert find_spec(FIGURES[name].module) is not None


def test_an_unknown_figure_is_an_error_that_names_the_known_ones(tmp_path):
    with pytest.raises(ConfigError) as refused:
        run_figure("5", tmp_path / "out", print)
    assert refused.value.code == "figures.unknown-figure"
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("small")
def test_without_matplotlib_nothing_is_computed_and_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "matplotlib" else find_spec(name)
    )
    monkeypatch.setattr(Figure, "make", lambda self: pytest.fail("computed"))
    with pytest.raises(ResourcesMissing) as refused:
        run_figure("small", tmp_path, print)
    assert refused.value.code == "figures.no-matplotlib"


@pytest.mark.usefixtures("small")
def test_a_figure_leaves_picture_numbers_and_statements(tmp_path):
    said: list[str] = []
    folder = tmp_path / "new" / "folder"
    assert run_figure("small", folder, said.append) == small_result().statements
    assert {path.name for path in folder.iterdir()} == {
        "small.png",
        "small.csv",
        "statements.json",
        "statements.md",
    }
    assert (folder / "small.png").read_bytes().startswith(b"\x89PNG")
    with open(folder / "small.csv", newline="") as file:
        assert list(csv.reader(file)) == [["x", "y"], ["0", "0.1"], ["1", "0.1"], ["2", "0.1"]]
    content = json.loads((folder / "statements.json").read_text())
    assert content["settings"] == {"seed": 7}
    assert [statement["holds"] for statement in content["statements"]] == [True, False]
    assert "| **no** | one is two | 1 |" in (folder / "statements.md").read_text()
    assert "seed 7" in said
    assert "DOES NOT HOLD: one is two: 1" in said


@pytest.mark.usefixtures("small")
def test_a_figure_whose_drawing_fails_leaves_no_file(tmp_path, monkeypatch):
    def broken():
        raise RuntimeError("no ink")

    monkeypatch.setattr(Figure, "make", lambda self: small_result()._replace(draw=broken))
    with pytest.raises(RuntimeError, match="no ink"):
        run_figure("small", tmp_path / "out", print)
    assert not (tmp_path / "out").exists()


def test_the_list_of_figures_is_read_without_loading_jax_or_matplotlib():
    code = (
        "import sys, lru_tune.figures\n"
        "sys.exit(' '.join(x for x in ('jax', 'matplotlib', 'scipy') if x in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", FIGURES)
def test_at_full_size_every_statement_holds(name, tmp_path):
    statements = run_figure(name, tmp_path, print)
    assert len(statements) >= 2
    assert [statement for statement in statements if not statement.holds] == []
    stem = catalogue.FIGURES[name].stem
    assert (tmp_path / f"{stem}.png").stat().st_size > 10_000
    assert len((tmp_path / f"{stem}.csv").read_text().splitlines()) > 50
