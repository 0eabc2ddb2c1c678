"""What is shipped: scripts, the notebooks made from them, and the example they show."""

import json
import os
import re
from pathlib import Path

import pytest

from lru_tune.cli import report, tune
from lru_tune.cli.reproduce import command as reproduce
from lru_tune.results import cells, confirmations, load_runs, reproductions
from lru_tune.results.reading.spectra import states
from lru_tune.space.space import SearchSpace
from notebooks.example import make

pytest.importorskip("jupytext", reason="needs the extra `notebooks`")
from notebooks import render

EXAMPLE = Path(make.__file__).parent
PLACES = re.compile(r"(?<![\w.])/(home|root|Users|tmp|work|opt|mnt)/")
MOST_BYTES = {"notebooks": 3_000_000, "example": 1_000_000}


def shipped(script: Path) -> dict:
    return json.loads(script.with_suffix(".ipynb").read_text())


def test_there_are_seven_notebooks_in_their_order():
    assert [script.name[:2] for script in render.scripts()] == [f"{n:02d}" for n in range(1, 8)]


@pytest.mark.parametrize("script", render.scripts(), ids=lambda path: path.stem)
def test_a_notebook_was_made_from_its_script(script):
    made = [(cell.cell_type, cell.source) for cell in render.read_script(script).cells]
    found = [(cell["cell_type"], "".join(cell["source"])) for cell in shipped(script)["cells"]]
    assert found == made, f"write it anew: python -m notebooks.render {script.name[:2]}"


@pytest.mark.parametrize("script", render.scripts(), ids=lambda path: path.stem)
def test_a_notebook_begins_with_its_question_and_where_to_put_a_path(script):
    title, *_ = render.read_script(script).cells
    number, name = script.stem.split("_", 1)
    heading, _, question, *_ = title.source.splitlines()
    assert heading.lower() == f"# {number} {name.replace('_', ' ')}"
    assert question.startswith("**")
    assert "?**" in title.source
    assert f"`{render.READS}`" in title.source.replace("\n", " ")


@pytest.mark.parametrize("script", render.scripts(), ids=lambda path: path.stem)
def test_every_picture_has_words_before_it(script):
    words = 0
    for cell in shipped(script)["cells"]:
        if cell["cell_type"] == "markdown":
            words = len("".join(cell["source"]).split())
        drawn = any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
        assert words > 20 or not drawn


@pytest.mark.parametrize("script", render.scripts(), ids=lambda path: path.stem)
def test_nothing_in_a_notebook_changes_without_reason(script):
    notebook = shipped(script)
    assert [cell["id"] for cell in notebook["cells"]] == [
        f"cell-{number:02d}" for number in range(len(notebook["cells"]))
    ]
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}
        assert cell.get("execution_count") is None
        assert all(output["output_type"] != "error" for output in cell.get("outputs", []))


def test_no_file_names_a_place_on_a_machine():
    files = [*EXAMPLE.parent.glob("*.ipynb"), *EXAMPLE.rglob("*.*")]
    texts = [path for path in files if path.suffix in {".ipynb", ".json", ".yaml", ".csv", ".md"}]
    assert len(texts) > 100
    assert [path.name for path in texts if PLACES.search(path.read_text())] == []


def test_the_files_are_small():
    notebooks = sum(path.stat().st_size for path in EXAMPLE.parent.glob("*.ipynb"))
    example = sum(path.stat().st_size for path in EXAMPLE.rglob("*") if path.is_file())
    assert notebooks < MOST_BYTES["notebooks"]
    assert example < MOST_BYTES["example"]


def test_the_example_is_a_search_with_its_confirmation_spectra_and_a_reproduction():
    experiment = EXAMPLE / make.EXPERIMENT
    trials = load_runs(experiment)
    assert trials["status"].value_counts().to_dict() == {"stopped": 22, "completed": 10}
    confirmed = confirmations(experiment)
    assert len(confirmed) == 12
    assert confirmed["trial"].isin(trials["trial"]).all()
    assert states(experiment)["trial"].isin(trials["trial"]).all()
    shown = cells(EXAMPLE).dropna(subset=["ours"])
    assert len(shown) == 5
    assert not shown["comparable"].any()
    counted = reproductions(EXAMPLE).dropna(subset=["cells"])
    assert (counted["status"] == "completed").all()
    assert len(counted) >= 2


def test_the_commands_that_make_the_example_are_the_programs():
    assert [words[:2] for words in (make.SEARCH, make.REPORT, make.REPRODUCTION)] == [
        ["python", "tune.py"],
        ["lru-tune", "report"],
        ["python", "reproduce.py"],
    ]
    wanted = tune.parser().parse_args(make.SEARCH[2:])
    space = SearchSpace.load(wanted.task, overrides=wanted.overrides, scale="quick")
    assert wanted.name == make.EXPERIMENT
    assert space.tune.confirm.top * space.tune.confirm.seeds == 12
    report.parser().parse_args(make.REPORT[2:])
    reproduce.parser().parse_args(make.REPRODUCTION[2:])
    command = json.loads((EXAMPLE / make.EXPERIMENT / "experiment.json").read_text())["command"]
    assert command.split()[:7] == make.SEARCH[1:8]


def test_the_machine_is_taken_out_of_a_record_and_nothing_else(tmp_path):
    record = tmp_path / "experiment.json"
    kept = {"status": "completed", "device": "cpu: cpu"}
    record.write_text(json.dumps(kept | {"process": {"pid": 1, "host": "h"}, "data_root": "/d"}))
    make.strip(record)
    assert json.loads(record.read_text()) == kept


def test_a_file_that_names_the_machine_is_refused_and_what_is_left_out_is_not_read(tmp_path):
    run = tmp_path / "runs" / "listops" / "trials" / "0000-a"
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "best.msgpack").write_bytes(b"\xff host7")
    (run / "metrics.csv").write_text("step\n1\nhost77\n")
    make.refuse_machine_names(tmp_path / "runs", (str(tmp_path), "host7"))
    (run / "result.json").write_text(f'{{"error": "in {tmp_path}{os.sep}x"}}')
    with pytest.raises(SystemExit, match=r"result.json names this machine"):
        make.refuse_machine_names(tmp_path / "runs", (str(tmp_path), "host7"))
