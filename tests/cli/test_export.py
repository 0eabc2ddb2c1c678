"""`lru-tune export`: a folder that stands for itself, nothing overwritten, and the search as a study."""

import contextlib
import io
import json
import re

import numpy as np
import optuna
import pytest

from lru_tune.cli import guard
from lru_tune.cli.export import main
from lru_tune.config.config_files import load_run_config
from lru_tune.results.writing.export import RECURRENCES
from lru_tune.search.strategy.journal import Ended, Journal, Reported, Suggested
from lru_tune.space.space import SearchSpace

RECORD = {
    "status": "completed",
    "task": "copy",
    "variant": "lru",
    "scale": "quick",
    "synthetic": True,
    "metric": "val/accuracy",
    "mode": "max",
}
COPY = {"task": "copy", "model.pooling": "none"}


@pytest.fixture
def experiment(tmp_path, write_run, monkeypatch):
    """A finished trial, a stopped one, one that failed at once and one that has not ended."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / "copy-1"
    folder.mkdir(parents=True)
    (folder / "experiment.json").write_text(json.dumps(RECORD))
    (folder / "space.yaml").write_text(SearchSpace.load("copy", scale="quick").to_yaml())
    write_run(folder / "trials" / "0000-abcd", accuracies=(0.2, 0.6, 0.5), config=COPY)
    stopped = {**COPY, "steps": 90}
    write_run(folder / "trials" / "0001-abef", status="stopped", accuracies=(0.7,), config=stopped)
    write_run(folder / "trials" / "0003-open", status=None, accuracies=(0.9,), config=COPY)
    (folder / "trials" / "0002-fail").mkdir()
    (folder / "trials" / "0002-fail" / "result.json").write_text('{"status": "failed"}')
    return folder


def test_the_best_trial_is_a_recipe_with_its_history(experiment, capsys, tmp_path):
    assert guard(main, [str(experiment), "--trial", "0"]) == 0
    folder = tmp_path / "copy-1-0000-abcd"
    assert capsys.readouterr().out.splitlines()[-1] == str(folder)
    assert sorted(p.name for p in folder.iterdir()) == [
        "README.txt",
        "config.yaml",
        "metrics.csv",
        "result.json",
    ]
    run = experiment / "trials" / "0000-abcd"
    assert load_run_config(folder / "config.yaml") == load_run_config(run / "config.yaml")
    text = (folder / "config.yaml").read_text()
    for line in ("trial: 0000-abcd (seed 0, completed)", "0.6 at step 20 of 30", "synthetic data"):
        assert line in text
    for name in ("metrics.csv", "result.json"):
        assert (folder / name).read_bytes() == (run / name).read_bytes()
    assert (
        "lru-tune train --config config.yaml --test --synthetic"
        in (folder / "README.txt").read_text()
    )
    assert not list(tmp_path.glob(".export-*"))


def test_nothing_is_overwritten_without_force_and_only_an_export_with_it(
    experiment, capsys, tmp_path
):
    out = ["--out", str(tmp_path / "out")]
    assert guard(main, [str(experiment), "--trial", "0000-abcd", *out]) == 0
    (tmp_path / "out" / "params.npz").write_text("of an earlier export")
    assert guard(main, [str(experiment), "--trial", "1", *out]) == 2
    assert "[results.export-exists]" in capsys.readouterr().err
    assert "0000-abcd" in (tmp_path / "out" / "README.txt").read_text()
    assert guard(main, [str(experiment), "--trial", "1", *out, "--force"]) == 0
    assert "0001-abef" in (tmp_path / "out" / "README.txt").read_text()
    assert not (tmp_path / "out" / "params.npz").exists(), "of another trial"

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years")
    words = [str(experiment), "--trial", "1", "--out", str(tmp_path / "mine"), "--force"]
    assert guard(main, words) == 2
    assert "was not written by" in capsys.readouterr().err
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--trial", "7"], "7"),
        (["--trial", ""], "0000-abcd, 0001-abef, 0002-fail, 0003-open"),
        (["--trial", "3"], "0003-open"),
        (["--trial", "2"], "0002-fail"),
        (["--trial", "0", "--with-checkpoint"], "best.msgpack"),
        (["--optuna", "x.db", "--out", "y"], "[cli.optuna-is-one-file]"),
    ],
)
def test_what_cannot_be_exported_is_exit_code_2(experiment, capsys, words, found):
    assert guard(main, [str(experiment), *words]) == 2
    assert found in capsys.readouterr().err
    assert {p.name for p in experiment.parent.parent.iterdir()} == {"runs"}


def test_no_experiment_and_no_success_have_their_codes(experiment, capsys, tmp_path):
    assert guard(main, [str(tmp_path), "--best"]) == 2
    for name in ("0000-abcd", "0001-abef", "0003-open"):
        (experiment / "trials" / name / "result.json").write_text('{"status": "failed"}')
    assert guard(main, [str(experiment), "--best"]) == 5


def test_the_study_can_be_made_afterwards_and_is_not_overwritten(experiment, capsys, tmp_path):
    assert guard(main, [str(experiment), "--optuna", "x.db"]) == 2
    assert "[cli.no-trials]" in capsys.readouterr().err
    journal = Journal(experiment / "journal.jsonl")
    space = SearchSpace.load("copy", scale="quick")
    journal.append(Suggested(0, space.start_points()[0], "0000-abcd"))
    journal.append(Reported(0, 30, 1, 0.6, "completed"))
    journal.append(Ended(0, "completed"))
    for name, start in (("x.db", "sqlite:///"), ("x.journal", "")):
        file = tmp_path / name
        assert guard(main, [str(experiment), "--optuna", name]) == 0
        said = capsys.readouterr()
        assert said.out.splitlines()[-1] == str(file)
        assert f"optuna-dashboard {start}{file}" in said.err
        assert guard(main, [str(experiment), "--optuna", name]) == 2
        assert "[cli.exists]" in capsys.readouterr().err
        assert guard(main, [str(experiment), "--optuna", name, "--force"]) == 0
    study = optuna.load_study(study_name="copy-1", storage=f"sqlite:///{tmp_path / 'x.db'}")
    assert study.best_value == 0.6
    (tmp_path / "notes.txt").write_text("mine")
    assert guard(main, [str(experiment), "--optuna", "notes.txt", "--force"]) == 2
    assert "[cli.not-a-study]" in capsys.readouterr().err
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "variant",
    [
        "lru",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("stable-exp", "exp", "real-imag", "rnn-tanh")
        ),
    ],
)
def test_the_parameters_load_without_us(experiment, tmp_path, write_run, variant, monkeypatch):
    """What README.txt shows is run as it stands there."""
    import jax
    import jax.numpy as jnp

    from lru_tune.config.compile_key import compile_key
    from lru_tune.config.schema import RunConfig
    from lru_tune.config.variants import VARIANTS
    from lru_tune.models.eigenvalues import EIGENVALUES
    from lru_tune.training.checkpoint import BEST, write_checkpoint
    from lru_tune.training.hyperparameters import hyperparameters
    from lru_tune.training.programs.compiled import programs

    small = {"model.n_layers": 1, "model.d_model": 4, "model.d_hidden": 4, "steps": 30}
    fields = {f"model.recurrence.{k}": v for k, v in VARIANTS[variant].items()}
    run = write_run(
        experiment / "trials" / "0005-real", config={**COPY, **small, "variant": variant, **fields}
    )
    config = load_run_config(run / "config.yaml")
    assert isinstance(config, RunConfig)
    state = programs(compile_key(config), 8).init(hyperparameters(config))
    write_checkpoint(run / "checkpoints" / BEST, {"step": 20, "params": state.params})
    assert guard(main, [str(experiment), "--trial", "5", "--with-checkpoint", "--out", "e"]) == 0

    arrays = np.load("e/params.npz")
    tree = jax.tree_util.tree_flatten_with_path(state.params)[0]
    for path, leaf in tree:
        name = "/".join(["params", *(str(key.key) for key in path)])
        np.testing.assert_array_equal(arrays[name], leaf)
    assert len(arrays.files) == len(tree) + 1
    assert (tmp_path / "e" / BEST).read_bytes() == (run / "checkpoints" / BEST).read_bytes()

    code = re.search(
        r"^    import numpy as np\n(?:.*\n)+", (tmp_path / "e" / "README.txt").read_text(), re.M
    )
    monkeypatch.chdir("e")
    scope: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec("\n".join(line.strip() for line in code[0].splitlines()), scope)
    kind = fields.get("model.recurrence.eigenvalues")
    assert (kind in RECURRENCES) == ("lam" in scope)
    if kind:
        names = EIGENVALUES[kind].names
        real, imaginary = EIGENVALUES[kind].value(*(jnp.asarray(scope["layer"][n]) for n in names))
        np.testing.assert_allclose(scope["lam"], real + 1j * imaginary, rtol=1e-5, atol=1e-6)
