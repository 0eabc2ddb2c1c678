"""Every notebook runs, on the shipped example and on experiments that lack one thing or another."""

import json
import re

import pytest

pytest.importorskip("jupytext", reason="needs the extra `notebooks`")
pytest.importorskip("nbclient", reason="needs the extra `notebooks`")
from notebooks import render

pytestmark = pytest.mark.slow

# Beginning of the name -> pictures, and sentences that must be said whatever the numbers are.
SHOWN = {
    "01": (4, ["32 trials, .* reports", "after half of the trials", "best trials at an end"]),
    "02": (2, [r"rungs at steps \[250, 500, 1000\] of 2000", "% saved", "keep the winner"]),
    "03": (4, ["32 trials over 6 fields", "r_max matters most, from .* trials"]),
    "04": (1, ["confirmation runs of", "pairs can be told apart"]),
    "05": (1, ["of 15 cells have runs", "0 of . cells may be compared", "QUICK"]),
    "06": (3, ["2 layers, 64 states", "remember longer than before", "the median state moved by"]),
    "07": (2, ["minutes in sum", "early stopping .* saved", "runs at a time on average"]),
}


def outputs(notebook) -> list:
    return [output for cell in notebook["cells"] for output in cell.get("outputs", [])]


def texts(notebook) -> list[str]:
    found = (o.get("text", o.get("data", {}).get("text/plain", "")) for o in outputs(notebook))
    return ["".join(text) for text in found]


def pictures(notebook) -> int:
    return sum("image/png" in output.get("data", {}) for output in outputs(notebook))


@pytest.mark.parametrize("script", render.scripts(), ids=lambda path: path.stem)
def test_a_notebook_says_and_draws_on_the_example_what_is_shipped(script):
    executed = render.execute(render.read_script(script), render.EXAMPLE)
    count, sentences = SHOWN[script.name[:2]]
    said = texts(executed)
    assert pictures(executed) == count
    for sentence in sentences:
        assert re.search(sentence, "\n".join(said)), sentence
    assert not [output for output in outputs(executed) if output.get("name") == "stderr"]
    shipped = json.loads(script.with_suffix(".ipynb").read_text())
    assert said == texts(shipped), f"write it anew: python -m notebooks.render {script.name[:2]}"


def test_a_second_rendering_is_equal_to_the_first(tmp_path, monkeypatch):
    for place in ("first", "second"):
        words = ["render", "04", "--out", str(tmp_path / place)]
        monkeypatch.setattr("sys.argv", words)
        assert render.main() == 0
    (name,) = (path.name for path in (tmp_path / "first").iterdir())
    assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_what_an_experiment_lacks_is_said_and_its_notebook_left_out(tmp_path, monkeypatch, capsys):
    experiment = tmp_path / "runs" / "listops"
    experiment.mkdir(parents=True)
    monkeypatch.setattr(
        "sys.argv", ["render", "05", "06", "--path", str(experiment), "--out", str(tmp_path)]
    )
    assert render.main() == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "05_reproduction is left out" in err
    assert "lru-tune report FOLDER leaves it" in err
