"""W&B sweep files as search spaces: what cannot be carried over is reported."""

import math
import re
from pathlib import Path

import pytest
import yaml

from lru_tune.cli import guard
from lru_tune.cli.import_wandb import main
from lru_tune.config.resolve import base_fields
from lru_tune.errors import ConfigError
from lru_tune.search.exports.wandb_sweep import import_sweep
from lru_tune.search.exports.wandb_tables import DISTRIBUTIONS, FLAGS, WITHOUT_COUNTERPART
from lru_tune.space.space import SearchSpace

SWEEP = Path(__file__).parent / "sweep.yaml"
LR = "optim.learning_rate"


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    """A function that imports a sweep of some parameters for ListOps."""
    monkeypatch.chdir(tmp_path)

    def make(parameters: dict, **top: object):
        content = {"method": "random", "parameters": parameters, **top}
        Path("s.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        return import_sweep(Path("s.yaml"), "listops")

    return make


def domains(space: SearchSpace) -> dict:
    return {name: domain.to_mapping() for name, domain in space.domains.items()}


def test_a_whole_sweep(monkeypatch, tmp_path):
    monkeypatch.chdir(SWEEP.parent)
    space, notes, left = import_sweep(Path("sweep.yaml"))
    assert (space.task, space.tune.trials, space.tune.metric) == ("listops", 20, "val/accuracy")
    assert space.tune.searcher.kind == "optuna"
    assert (space.tune.scheduler.kind, space.tune.scheduler.reduction_factor) == ("asha", 2)
    assert domains(space) == {
        LR: {"loguniform": [1e-4, 1e-2]},
        "optim.recurrent_lr_factor": {"choice": [0.25, 0.5, 1.0]},
        "optim.weight_decay": {"loguniform": [math.exp(-5), math.exp(-1)]},
        "model.dropout": {"quniform": [0.0, 0.2, 0.1]},
        "model.n_layers": {"randint": [2, 6]},
        "model.recurrence.r_min": {"uniform": [0.0, 0.9]},
        "model.norm_position": {"choice": ["pre", "post"]},
    }
    assert space.base["epochs"] == 40
    assert "steps" not in space.base
    assert space.base["optim.warmup_fraction"] == 0.1
    assert space.base["data.batch_size"] == 32
    named = {line.split(":")[1]: line for line in left}
    assert sorted(map(int, named)) == [1, 5, 6, 9, 15, 21], "every line that is not carried over"
    assert "distribution normal has no counterpart" in named["15"]
    assert [line.split(":")[1] for line in notes] == ["2", "6", "13", "20"]


def test_what_is_written_loads_to_the_same_space(capsys, tmp_path):
    out = tmp_path / "mine.yaml"
    assert guard(main, [str(SWEEP), "--out", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    assert SearchSpace.load(out) == import_sweep(SWEEP).space
    assert re.search(r"^# \S*sweep\.yaml:21: parameters\.momentum: ", out.read_text(), re.M)
    assert guard(main, [str(SWEEP), "--out", str(out)]) == 2
    assert "--force" in capsys.readouterr().err
    assert guard(main, [str(SWEEP), "--out", str(out), "--force"]) == 0
    assert guard(main, [str(SWEEP), "--out", str(tmp_path / "mine.txt")]) == 2


def test_every_flag_leads_to_a_field():
    assert {flag.field for flag in FLAGS.values()} <= base_fields("lru").keys()
    assert not DISTRIBUTIONS.keys() & WITHOUT_COUNTERPART


@pytest.mark.parametrize(
    ("spec", "domain"),
    [
        ({"min": 0.1, "max": 0.2}, {"uniform": [0.1, 0.2]}),
        ({"distribution": "uniform", "min": 0.1, "max": 0.2}, {"uniform": [0.1, 0.2]}),
        ({"values": [0.1, 0.2]}, {"choice": [0.1, 0.2]}),
        ({"values": [0.1, 0.2], "probabilities": [0.5, 0.5]}, {"choice": [0.1, 0.2]}),
        (
            {"distribution": "q_log_uniform_values", "min": 0.1, "max": 0.2, "q": 0.01},
            {"loguniform": [0.1, 0.2]},
        ),
    ],
)
def test_distributions_of_a_rate(sweep, spec, domain):
    assert domains(sweep({"lr": spec}).space) == {LR: domain}


@pytest.mark.parametrize(
    ("spec", "domain"),
    [
        ({"min": 2, "max": 6}, {"randint": [2, 6]}),
        ({"distribution": "int_uniform", "min": 2, "max": 6}, {"randint": [2, 6]}),
        ({"distribution": "q_uniform", "min": 2, "max": 6}, {"randint": [2, 6]}),
        ({"distribution": "q_log_uniform_values", "min": 2, "max": 6}, {"lograndint": [2, 6]}),
    ],
)
def test_distributions_of_a_number_of_layers(sweep, spec, domain):
    assert domains(sweep({"n_layers": spec}).space) == {"model.n_layers": domain}


def test_one_value_and_nested_and_dotted_names(sweep):
    nested = {"optim": {"parameters": {"lr_min": {"value": 1e-6}}}}
    assert sweep({"lr_min": {"value": 1e-6}}).space.base["optim.lr_min"] == 1e-6
    assert sweep({"optim.lr_min": {"value": 1e-6}}).space.base["optim.lr_min"] == 1e-6
    assert sweep(nested).space.base["optim.lr_min"] == 1e-6
    assert sweep({"cosine_anneal": {"value": False}}).space.base["optim.schedule"] == "constant"


def test_a_grid_is_written_out(sweep):
    space = sweep({"n_layers": {"min": 2, "max": 4}, "lr": {"values": [0.1, 0.2]}}, method="grid")
    assert space.space.tune.searcher.kind == "grid"
    assert space.space.tune.scheduler.kind == "none"
    assert len(space.space.grid()) == 6
    with pytest.raises(ConfigError) as caught:
        sweep({"lr": {"min": 0.1, "max": 0.2}}, method="grid")
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.code) == ("s.yaml", 3, "wandb.grid-of-range")


def test_a_ring_keeps_its_order(sweep):
    space = sweep({"r_min": {"min": 0.1, "max": 0.9}, "r_max": {"min": 0.5, "max": 0.99}}).space
    assert not space.satisfies({"model.recurrence.r_min": 0.9, "model.recurrence.r_max": 0.5})


def test_a_test_metric_becomes_validation(sweep):
    metric = {"name": "Best Test Accuracy", "goal": "maximize"}
    found = sweep({"lr": {"min": 0.1, "max": 0.2}}, metric=metric)
    assert found.space.tune.metric == "val/accuracy"
    assert "never reads the test split" in found.notes[0]


def test_searched_epochs_and_their_warmup(sweep):
    found = sweep({"epochs": {"values": [10, 20]}, "warmup_end": {"value": 2}})
    assert domains(found.space) == {"epochs": {"choice": [10.0, 20.0]}}
    assert [line.split(": ")[1] for line in found.left] == ["parameters.warmup_end"]


def test_a_broken_file_tells_everything_at_once(tmp_path, capsys):
    broken = tmp_path / "broken.yaml"
    broken.write_text(
        "method: bayesian\n"
        "metric: {name: val_loss, goal: maximize}\n"
        "early_terminate: {type: envelope}\n"
        "run_cap: 0\n"
        "parameters:\n"
        "  dataset: {value: listops}\n"
        "  lr_base: {distribution: log_uniform_value, min: 1e-4, max: 1e-2}\n"
        "  n_layers: {values: 3}\n"
        "  d_model: {min: 64, max: 32}\n"
        "  d_hidden: {mim: 3, max: 5}\n"
        "  p_dropout: {value: 1.5}\n"
        "  weight_decay: {min: a, max: 2}\n"
        "  batch_size: {values: [8, four]}\n"
        "  r_max: 3\n"
    )
    assert guard(main, [str(broken)]) == 2
    said = capsys.readouterr().err.removeprefix("error: ").splitlines()
    lines = [int(line.removeprefix(f"{broken}:").split(":")[0]) for line in said]
    assert sorted(set(lines)) == [1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 13, 14]
    assert all(re.search(r"\[[a-z]+\.[a-z-]+\]$", line) for line in said)
    assert "Did you mean 'bayes'?" in said[0]
    assert not list(tmp_path.glob("listops*"))


@pytest.mark.parametrize(
    ("text", "key", "code"),
    [
        ("method: random\n", "parameters", "config.wrong-type"),
        ("parameters: {lr: {value: 1}}\n", "method", "config.missing"),
        ("method: random\nparameters: {lr: {value: 1}}\n", None, "wandb.no-dataset"),
        ("method: random\nparameters: {dataset: {value: cifar}}\n",
         "parameters.dataset", "tasks.ambiguous"),
        ("method: [\n", None, "config.not-yaml"),
    ],
)  # fmt: skip
def test_what_is_missing_is_reported(tmp_path, text, key, code):
    file = tmp_path / "s.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        import_sweep(file)
    assert (key, code) in [(problem.key, problem.code) for problem in caught.value.problems]


def test_the_task_of_the_command_and_of_the_sweep_agree():
    with pytest.raises(ConfigError) as caught:
        import_sweep(SWEEP, "imdb")
    assert (caught.value.code, caught.value.problems[0].line) == ("wandb.other-task", 8)
