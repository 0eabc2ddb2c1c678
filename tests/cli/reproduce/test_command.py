"""The command that reproduces: what it refuses, plans, touches, judges and writes."""

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from data_prep import full_counts
from lru_tune.cli import guard
from lru_tune.cli import main as front_door
from lru_tune.cli.reproduce.command import main as reproduce
from lru_tune.cli.reproduce.data import DataRoot, known
from lru_tune.data.manifest import Manifest, write_manifest
from lru_tune.figures import FIGURES, Statement
from lru_tune.files import run_directory as runs
from lru_tune.paper.tables import TABLES, load_table
from lru_tune.reproduction import estimate
from lru_tune.reproduction.cells import choose_columns, choose_rows, plan_cells
from lru_tune.reproduction.outcome import cell_runs
from lru_tune.reproduction.rates import choose_rate, rate_search_runs
from lru_tune.reproduction.scale import Setting
from lru_tune.reproduction.store import Store, TaskData, remember_data
from lru_tune.training.speed import Speed

FILES = ("reproduction.json", "table.csv", "table.md", "table.tex")
REDUCED = {
    "QUICK": (["--quick"], Setting(scale="quick")),
    "SCALED": (["--scale", "0.02"], Setting(scale=0.02)),
    "SYNTHETIC": (["--synthetic"], Setting(synthetic=True)),
    "CHANGED": (["--set", "model.d_model=16"], Setting(overrides=("model.d_model=16",))),
}
ONE_CELL = ["--table", "1", "--tasks", "listops", "--rows", "RNN-Lin"]


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("LRU_TUNE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LRU_TUNE_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("LRU_TUNE_RAW", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def data(tmp_path) -> Callable[..., Manifest]:
    """A function that prepares ListOps as far as a manifest goes."""

    def write(*, synthetic: bool = False, **counts: int) -> Manifest:
        folder = tmp_path / "data" / ("synthetic" if synthetic else "") / "listops"
        manifest = Manifest(
            format_version=1,
            task="listops",
            source="none",
            parameters={},
            seed=0,
            files={},
            counts=full_counts("listops") | counts,
            label_histogram={},
            vocabulary=None,
            chance=0.18,
            synthetic=synthetic,
        )
        folder.mkdir(parents=True)
        write_manifest(folder, manifest)
        return manifest

    return write


@pytest.fixture
def ended(tmp_path) -> Callable[..., None]:
    """A function that writes how the runs of Table 1's linear row on ListOps ended."""

    def write(
        manifest: Manifest,
        accuracies: tuple[float | None, ...],
        *,
        setting: Setting | None = None,
        status: str = "completed",
    ) -> None:
        table = load_table(1)
        columns = choose_columns(table, ["listops"])
        (cell,) = plan_cells(table, choose_rows(table, ["RNN-Lin"]), columns, setting or Setting())
        train = manifest.counts["train"]
        known = TaskData(manifest.fingerprint, manifest.chance, train)
        store = Store(tmp_path / "runs" / "reproductions", {"listops": known})
        cell = cell.with_length(train)
        for job in rate_search_runs(cell, store):
            runs.write_result(job.run_dir, "completed", **{runs.VAL_ACCURACY: 0.5})
        choose_rate(cell, store, lambda _line: None)
        planned = cell_runs(cell, len(accuracies), store).planned
        for job, accuracy in zip(planned, accuracies, strict=True):
            fields = {} if accuracy is None else {runs.TEST_ACCURACY: accuracy}
            runs.write_result(job.run_dir, status, device="cpu: none", **fields)

    return write


def record(folder: Path) -> dict:
    """Return what reproduction.json says of Table 1's linear row on ListOps."""
    cells = json.loads((folder / "reproduction.json").read_text())["cells"]
    (found,) = (c for c in cells if (c["row"], c["task"]) == ("RNN-Lin", "listops"))
    return found


def test_only_data_that_runs_were_made_with_are_recorded(capsys, tmp_path, data, ended):
    manifest = data()
    shutil.copytree(tmp_path / "data" / "listops", tmp_path / "data" / "scifar")
    written = tmp_path / "data" / "scifar" / "manifest.json"
    written.write_text(written.read_text().replace('"task": "listops"', '"task": "scifar"'))
    folder = tmp_path / "runs" / "reproductions" / "table1"
    guard(reproduce, ["--table", "1", "--render"])
    assert json.loads((folder / "reproduction.json").read_text())["data"] == {}
    ended(manifest, (0.5, 0.6))
    guard(reproduce, ["--table", "1", "--render"])
    recorded = json.loads((folder / "reproduction.json").read_text())["data"]
    assert recorded == {"listops": manifest.fingerprint}


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ([], 2, "[cli.nothing-to-reproduce]"),
        (["--table", "1", "--list"], 2, "[cli.nothing-to-reproduce]"),
        (["--table", "10"], 2, "[paper.unknown-table]"),
        (["--table", "0"], 2, "[paper.unknown-table]"),
        (["--table", "1", "--rows", "RNN-Line"], 2, "Did you mean 'RNN-Lin'?"),
        (["--table", "3", "--rows", "S4 (quoted)"], 2, "S4 (quoted)"),
        (["--table", "1", "--tasks", "pathx"], 2, "pathx"),
        (["--table", "1", "--tasks", "cifar"], 2, "scifar"),
        (["--table", "1", "--seeds", "0"], 2, "[api.too-small]"),
        (["--table", "1", "--quick", "--scale", "0.1"], 2, "[cli.quick-and-scale]"),
        (["--table", "1", "--set", "optim.weight_decai=1", "--render"], 2, "weight_decay"),
        (["--table", "1"], 3, "prepare imdb"),
        (["--table", "1", "--quick", "--tasks", "scifar"], 3, "--tasks listops"),
        (["--from", "nowhere.json"], 2, "[cli.result-unreadable]"),
        (["--figure", "99"], 2, "99"),
        (["--audit", "--tasks", "listop"], 2, "Did you mean 'listops'?"),
    ],
)
def test_what_cannot_be_done_ends_with_its_exit_code(capsys, tmp_path, words, code, text):
    assert guard(reproduce, words) == code
    said = capsys.readouterr().err
    assert said.startswith(("error: ", "note: "))
    assert text in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("words", [["--table", "9"], ["--figure", "4"]])
def test_a_runs_root_that_is_a_file_is_refused_before_anything_is_done(capsys, tmp_path, words):
    (tmp_path / "file").touch()
    assert guard(reproduce, [*words, "--runs-root", str(tmp_path / "file")]) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--scale", "2"],
        ["--scale", "none"],
        ["--learning-rates", "inf"],
        ["--learning-rates", "1e-3,high"],
    ],
)
def test_a_number_that_makes_no_sense_is_bad_usage(capsys, words):
    with pytest.raises(SystemExit) as raised:
        reproduce(["--table", "1", *words])
    assert raised.value.code == 2
    assert f"got {words[1]!r}" in capsys.readouterr().err


def test_a_dry_run_tells_cells_steps_and_hours_and_touches_nothing(capsys, monkeypatch, tmp_path):
    def measured(configs, **_limits):
        return [Speed(10.0, 1.0, 0, "cpu: none") for _ in configs]

    monkeypatch.setattr(estimate, "measure_speeds", measured)
    assert guard(reproduce, [*ONE_CELL, "--dry-run", "--max-concurrent", "1"]) == 0
    said = capsys.readouterr()
    # Three rates and three seeds of 80,000 steps at 10 steps a second, one at a time.
    for word in ("RNN-Lin", "80,000", "480,000 steps", "13.3 h", "will be prepared in"):
        assert word in said.err
    assert said.out.splitlines() == [str(tmp_path / "runs" / "reproductions" / "table1")]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("table", ["4", "9"])
def test_a_dry_run_of_the_other_tables_touches_nothing(table, tmp_path):
    assert guard(reproduce, ["--table", table, "--dry-run"]) == 0
    assert not list(tmp_path.iterdir())


def test_runs_near_the_published_number_are_judged_and_written(capsys, data, ended, tmp_path):
    ended(data(), (0.503, 0.504, 0.505))
    assert guard(reproduce, [*ONE_CELL, "--render", "--strict"]) == 0
    said = capsys.readouterr()
    folder = tmp_path / "runs" / "reproductions" / "table1"
    assert said.out.splitlines()[-1] == str(folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    found = record(folder)
    assert found["verdict"] == "REPRODUCED"
    assert found["ours"] == pytest.approx(50.4)
    assert (found["n"], found["published"]) == (3, 50.4)
    assert found["difference_low"] < 0 < found["difference_high"]
    for text in (said.err, *((folder / name).read_text() for name in FILES)):
        assert "REPRODUCED" in text
        assert "best of 3 on validation" in text


def test_a_table_shows_what_was_run_before_whatever_part_is_asked_for(data, ended, tmp_path):
    ended(data(), (0.503, 0.504, 0.505))
    assert guard(reproduce, ["--table", "1", "--rows", "RNN-Tanh", "--render"]) == 0
    assert record(tmp_path / "runs" / "reproductions" / "table1")["n"] == 3


def test_what_the_paper_leaves_open_stands_below_the_table(capsys):
    assert guard(reproduce, ["--table", "8", "--render", "--tasks", "pathx"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "Linear Dense RNN: sizes not stated for dense rows; run with Table 9's." in said
    assert "Stable Exp + Ring Init, PathX: its ring is not stated" in said
    assert "S4 (quoted), S4D-LegS (quoted), S5 (quoted): quoted by the paper" in said


def test_below_is_an_error_only_where_it_is_asked_to_be(capsys, data, ended):
    ended(data(), (0.301, 0.302, 0.303))
    assert guard(reproduce, [*ONE_CELL, "--render"]) == 0
    assert guard(reproduce, [*ONE_CELL, "--render", "--strict"]) == 6
    assert "RNN-Lin, ListOps [cli.below]" in capsys.readouterr().err


def test_too_few_seeds_are_inconclusive_and_say_how_many_are_missing(capsys, data, ended, tmp_path):
    ended(data(), (0.501, 0.506))
    assert guard(reproduce, [*ONE_CELL, "--render", "--strict"]) == 0
    assert "INCONCLUSIVE (needs" in capsys.readouterr().err
    assert record(tmp_path / "runs" / "reproductions" / "table1")["needs_seeds"] > 0


@pytest.mark.parametrize("word", REDUCED)
def test_reduced_runs_are_labelled_everywhere_and_never_judged(capsys, data, ended, tmp_path, word):
    words, setting = REDUCED[word]
    ended(data(synthetic=setting.synthetic), (0.301, 0.302, 0.303), setting=setting)
    assert guard(reproduce, [*ONE_CELL, *words, "--render", "--strict"]) == 0
    said = capsys.readouterr()
    folder = Path(said.out.splitlines()[-1])
    assert folder.name == f"table1{setting.suffix}"
    assert (record(folder)["n"], record(folder)["verdict"]) == (3, None)
    assert json.loads((folder / "reproduction.json").read_text())["comparable"] is False
    texts = [(folder / name).read_text() for name in FILES]
    for text in (said.err, *texts):
        assert f"{word}:" in text
        assert not any(v in text for v in ("REPRODUCED", "BELOW", "ABOVE", "INCONCLUSIVE"))
    with open(folder / "table.csv", newline="") as file:
        assert all(line["label"].startswith(word) for line in csv.DictReader(file))


def test_fewer_examples_than_the_papers_get_no_verdict(capsys, data, ended, tmp_path):
    ended(data(train=1_000), (0.301, 0.302, 0.303))
    assert guard(reproduce, [*ONE_CELL, "--render", "--strict"]) == 0
    folder = tmp_path / "runs" / "reproductions" / "table1"
    assert record(folder)["verdict"] is None
    assert "1,000 of 96,000 train examples; no verdict" in (folder / "table.md").read_text()


def test_images_of_another_difficulty_get_no_verdict(tmp_path, data):
    manifest = data()
    folder = tmp_path / "data" / "pathfinder"
    folder.mkdir()
    easy = replace(manifest, task="pathfinder", parameters={"distractors": 0})
    write_manifest(folder, easy)
    where = DataRoot(tmp_path / "data", False, tmp_path / "runs")
    found = known(where, ["pathfinder"], lambda _line: None)
    assert "generated with --option distractors=0" in found["pathfinder"].shortfall


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_where_nothing_succeeded_the_exit_code_says_so(capsys, data, ended, status):
    ended(data(), (None, None), status=status)
    assert guard(reproduce, [*ONE_CELL, "--render"]) == 5
    said = capsys.readouterr().err
    assert f"2 {status}" in said
    assert "[cli.no-run-succeeded]" in said


def test_rendering_needs_neither_ray_nor_jax(data, ended):
    ended(data(), (0.503, 0.504, 0.505))
    code = (
        "import sys; from lru_tune.cli.reproduce.command import main;"
        f"code = main({[*ONE_CELL, '--render']!r});"
        "sys.exit(' '.join({'ray', 'jax', 'optuna'} & sys.modules.keys()) or code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_table_is_rendered_where_the_data_are_not(data, ended, tmp_path):
    manifest = data()
    ended(manifest, (0.503, 0.504, 0.505))
    known = TaskData(manifest.fingerprint, manifest.chance, manifest.counts["train"])
    remember_data(tmp_path / "runs" / "reproductions", "listops", known)
    shutil.rmtree(tmp_path / "data")
    assert guard(reproduce, [*ONE_CELL, "--render"]) == 0
    assert record(tmp_path / "runs" / "reproductions" / "table1")["verdict"] == "REPRODUCED"


def test_speeds_stand_beside_the_published_ones_and_are_kept(capsys, monkeypatch, tmp_path):
    speeds = {
        "rnn-tanh": Speed(2.0, 1.0, 10, "cpu: none"),
        "lru": Speed(None, 1.0, 10, "", "no room"),
    }

    def measured(configs, **_limits):
        return (speeds[config.variant] for config in configs)

    monkeypatch.setattr("lru_tune.training.speed.measure_speeds", measured)
    for task in ("listops", "imdb"):
        assert guard(reproduce, ["--table", "4", "--tasks", task]) == 0
    said = capsys.readouterr()
    assert "not measured: no room" in said.err
    folder = tmp_path / "runs" / "reproductions" / "table4"
    cells = json.loads((folder / "reproduction.json").read_text())["cells"]
    assert [(c["row"], c["column"], c["published"], c["steps_per_second"]) for c in cells] == [
        ("Tanh RNN", "ListOps", 1.1, 2.0),
        ("Tanh RNN", "Text", 0.5, 2.0),
        ("LRU", "ListOps", 2.1, None),
        ("LRU", "Text", 14.7, None),
    ]
    assert {c["device"] for c in cells if c["steps_per_second"]} == {"cpu: none"}

    assert guard(reproduce, ["--table", "4", "--tasks", "listops", "--rows", "LRU"]) == 5


def test_the_published_configurations_stand_beside_the_search_spaces(capsys):
    assert guard(reproduce, ["--table", "9"]) == 0
    assert "No difference." in capsys.readouterr().err
    assert guard(reproduce, ["--table", "9", "--tasks", "pathx", "--set", "model.d_model=16"]) == 0
    said = capsys.readouterr().err
    assert "128 / 16 (*)" in said
    assert "CHANGED: model.d_model=16" in said


def test_a_result_without_a_configuration_cannot_be_run_again(capsys, tmp_path):
    file = tmp_path / "result.json"
    file.write_text('{"status": "completed", "device": "x", "versions": {}}')
    assert guard(reproduce, ["--from", str(file)]) == 2
    said = capsys.readouterr().err
    assert "config, data" in said
    assert "[cli.result-incomplete]" in said


def test_the_list_names_every_table_row_and_figure(capsys):
    assert guard(reproduce, ["--list"]) == 0
    said = capsys.readouterr().out
    for number in TABLES:
        assert f"--table {number} " in said
        assert all(row.name in said for row in load_table(number).rows if row.variant)
    assert "--table online" in said
    assert all(f"--figure {name} " in said for name in FIGURES)


def test_the_audit_is_printed_for_the_tasks_asked_for(capsys):
    assert guard(reproduce, ["--audit", "--tasks", "listops"]) == 0
    assert "minimal-LRU" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "code"), [([], 0), (["--strict"], 6)])
def test_a_statement_that_does_not_hold_is_an_error_where_asked_to_be(
    capsys, monkeypatch, tmp_path, words, code
):
    broken = [Statement("a holds", True, "1"), Statement("b holds", False, "2")]
    monkeypatch.setattr("lru_tune.figures.run_figure", lambda *_arguments: broken)
    assert guard(reproduce, ["--figure", "3", *words]) == code
    said = capsys.readouterr()
    assert said.out.splitlines() == [str(tmp_path / "runs" / "reproductions" / "figure3")]
    assert ("b holds" in said.err) == bool(words)
    assert "a holds" not in said.err


def test_the_front_door_knows_the_command(capsys):
    assert front_door(["reproduce", "--table", "99"]) == 2
    with pytest.raises(SystemExit) as raised:
        front_door(["reproduce", "--help"])
    assert raised.value.code == 0
    assert "--dry-run" in capsys.readouterr().out
