from pathlib import Path

import pytest
import yaml

from lru_tune.config.config_files import dump_run_config, load_run_config
from lru_tune.config.schema import RunConfig
from lru_tune.config.variants import VARIANTS
from lru_tune.errors import ConfigError
from lru_tune.files.paths import search_space_file

BEST = """\
task: listops
variant: stable-exp
model: {recurrence: {kind: diagonal, eigenvalues: stable_exp, input_normalization: none}}
optim:
  learning_rate: 1e-4
steps: 100
"""


@pytest.fixture
def best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("best.yaml")
    path.write_text(BEST)
    return path


def test_a_dumped_config_loads_back_equal(tmp_path):
    for variant, recurrence in VARIANTS.items():
        config = RunConfig.model_validate(
            {
                "task": "listops",
                "variant": variant,
                "epochs": 1 / 3,
                "optim": {"learning_rate": 0.1 + 0.2, "lr_min": 1e-7},
                "model": {"recurrence": recurrence},
            }
        )
        path = tmp_path / f"{variant}.yaml"
        path.write_text(dump_run_config(config))
        assert load_run_config(path) == config
        # The run directory's reader is plain PyYAML: the numbers must be numbers to it too.
        assert RunConfig.model_validate(yaml.safe_load(path.read_text())) == config


def test_the_dump_is_complete_and_carries_its_provenance(best):
    text = dump_run_config(load_run_config(best), ["best of 32 trials", "val/accuracy 0.61"])
    assert text.startswith("# best of 32 trials\n# val/accuracy 0.61\ntask: listops\n")
    assert "b2: 0.999" in text
    assert "null" not in text


def test_aliases_become_the_task_s_name(best):
    best.write_text(BEST.replace("listops", "listops-classification"))
    assert load_run_config(best).task == "listops"


def test_the_base_of_a_search_space_is_a_config():
    config = load_run_config(search_space_file("listops"))
    assert (config.task, config.variant, config.steps) == ("listops", "lru", 80000)


def test_overrides_come_last_and_a_length_replaces_the_other(best):
    config = load_run_config(best, overrides=["optim.learning_rate=2e-3", "epochs=3"])
    assert (config.optim.learning_rate, config.epochs, config.steps) == (2e-3, 3.0, None)


def test_another_variant_replaces_the_recurrence(best):
    config = load_run_config(best, overrides=["variant=rnn-tanh"])
    assert config.model.recurrence.model_dump() == VARIANTS["rnn-tanh"]
    assert config.variant == "rnn-tanh"


def test_every_problem_is_reported_in_one_pass_with_its_place(best):
    best.write_text(BEST + "optin: {b1: 0.5}\nmodel.n_layers: 1.5\n")
    with pytest.raises(ConfigError) as caught:
        load_run_config(best, overrides=["optim.lr=1", "optim.b1=two", "nonsense"])
    problems = caught.value.problems
    assert [(p.file, p.line, p.key, p.code) for p in problems] == [
        (None, None, "--set nonsense", "config.bad-override"),
        (None, None, "--set optim.lr=1", "config.unknown-field"),
        (None, None, "--set optim.b1=two", "config.wrong-type"),
        ("best.yaml", 7, "optin.b1", "config.unknown-field"),
        ("best.yaml", 8, "model.n_layers", "config.wrong-type"),
    ]
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("--set nonsense: expected ")
    assert lines[-1] == "best.yaml:8: model.n_layers: expected an integer, got 1.5"


@pytest.mark.parametrize(
    ("text", "line", "key", "code"),
    [
        ("steps: 5\n", None, "task", "config.missing"),
        ("task: listop\nsteps: 5\n", 1, "task", "tasks.unknown"),
        ("task: [copy]\nsteps: 5\n", 1, "task", "config.wrong-type"),
        ("task: copy\nvariant: LRU2\n", 2, "variant", "config.unknown-variant"),
        ("task: listops\n", None, None, "config.length-missing"),
        ("task: copy\nsteps: 1\nmodel: {norm: layer}\n", None, None, "config.pooling-unfit"),
        ("task: listops\nsteps: 1\nmodel.recurrence.eigenvalues: exp\n",
         3, "model.recurrence.eigenvalues", "config.fixed-by-variant"),
        ("task: listops\nsteps: 1\nmodel.recurrence.activation: tanh\n",
         3, "model.recurrence.activation", "config.not-in-variant"),
        ("task: listops\nbase: {task: copy, steps: 1}\n", 2, "base.task", "config.belongs-at-the-top"),
        ("task: listops\nbase: 3\n", 2, "base", "config.wrong-type"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_reported_with_its_line(best, text, line, key, code):
    best.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_run_config(best)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.key) == ("best.yaml", line, key)
    assert problem.code == code
