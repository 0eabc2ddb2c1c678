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


def test_every_problem_is_told_in_one_pass_with_its_place(best):
    best.write_text(BEST + "optin: {b1: 0.5}\nmodel.n_layers: 1.5\n")
    with pytest.raises(ConfigError) as caught:
        load_run_config(best, overrides=["optim.lr=1", "optim.b1=two", "nonsense"])
    assert caught.value.problems == (
        "--set nonsense: write --set dotted.key=value",
        "--set optim.lr=1: no such field. Did you mean 'learning_rate'?",
        "--set optim.b1=two: needs a number, got the text 'two'",
        "best.yaml:7: optin.b1: no such field. Did you mean 'optim.b1'?",
        "best.yaml:8: model.n_layers: needs a whole number, got 1.5",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: 5\n", "best.yaml: task: is missing"),
        ("task: listop\nsteps: 5\n", "best.yaml:1: task: unknown task 'listop'. Did you mean"),
        ("task: copy\nvariant: LRU2\n", "best.yaml:2: variant: unknown variant 'LRU2'."),
        ("task: listops\n", "best.yaml: the length of the run is missing: give `steps` or `epochs`"),
        ("task: copy\nsteps: 1\nmodel: {norm: layer}\n", "best.yaml: model.pooling must be none"),
        ("task: listops\nsteps: 1\nmodel.recurrence.eigenvalues: exp\n",
         "best.yaml:3: model.recurrence.eigenvalues: variant 'lru' fixes this to 'stable_exp_log_phase'"),
        ("task: listops\nsteps: 1\nmodel.recurrence.activation: tanh\n",
         "best.yaml:3: model.recurrence.activation: no such field for variant 'lru', a diagonal"),
        ("task: listops\nbase: {task: copy, steps: 1}\n", "best.yaml:2: base.task: belongs at the top"),
        ("task: listops\nbase: 3\n", "best.yaml:2: base: needs a mapping of fields"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(best, text, message):
    best.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_run_config(best)
    assert str(caught.value).startswith(message)
