import json
import math
import shutil
from itertools import islice

import numpy as np
import pytest

from data_prep import ensure_prepared
from lru_tune.config.dotted import flatten
from lru_tune.config.schema import (
    DataConfig,
    DiagonalRecurrence,
    ModelConfig,
    OptimConfig,
    RunConfig,
)
from lru_tune.data.batches import take_examples
from lru_tune.data.store import open_task
from lru_tune.errors import CheckpointDamaged, ConfigError, Diverged
from lru_tune.files import run_directory as runs
from lru_tune.training import checkpoint, loop
from lru_tune.training.checkpoint import read_checkpoint
from lru_tune.training.loop import evaluate_test, train
from lru_tune.training.programs.compiled import programs_of
from lru_tune.training.programs.resolve_auto import resolve_auto
from lru_tune.training.trained.predictor import load_predictor

CHECKPOINTS = (checkpoint.LAST, checkpoint.BEST)
TIMES = {runs.SECONDS, runs.EXAMPLES_PER_SECOND}


def with_optim(config, **fields):
    return config.model_copy(update={"optim": config.optim.model_copy(update=fields)})


def without_times(rows):
    return [{k: v for k, v in row.items() if k not in TIMES} for row in rows]


def assert_same_run(a, b):
    """Reports, best and last parameters, optimiser state: equal bit for bit, but for times."""
    assert without_times(runs.read_metrics(a)) == without_times(runs.read_metrics(b))
    for name in CHECKPOINTS:
        ours, theirs = (flatten(read_checkpoint(run / "checkpoints" / name)) for run in (a, b))
        assert ours.keys() == theirs.keys()
        for key, value in ours.items():
            if not key.endswith("seconds"):
                np.testing.assert_array_equal(value, theirs[key], err_msg=f"{name} {key}")


@pytest.fixture(scope="module")
def part_way(config, twins, tmp_path_factory):
    """A run directory that was left after two of five reports; do not write into it."""
    run_dir = tmp_path_factory.mktemp("part_way") / "run"
    reports = train(config, data_root=twins, run_dir=run_dir)
    list(islice(reports, 2))
    reports.close()
    return run_dir


@pytest.fixture
def left_early(part_way, tmp_path):
    """A copy of `part_way`."""
    return shutil.copytree(part_way, tmp_path / "run")


def test_a_run_leaves_a_complete_directory(config, completed):
    rows = runs.read_metrics(completed)
    assert [tuple(row) for row in rows] == [runs.METRICS_COLUMNS] * 5
    assert all(math.isfinite(value) for row in rows for value in row.values())
    assert rows[-1][runs.EPOCH] == 28 / 16
    result = runs.read_result(completed)
    chosen = resolve_auto(config).runtime
    assert (result["block"], result["scan"]) == (chosen.block, chosen.scan)
    best = max(rows, key=lambda row: row[runs.VAL_ACCURACY])
    assert result["status"] == "completed"
    assert (result["steps"], result["horizon"]) == (28, 28)
    assert result[runs.VAL_ACCURACY] == best[runs.VAL_ACCURACY]
    assert result["best_step"] == best[runs.STEP]
    assert runs.TEST_ACCURACY not in result
    assert runs.read_config(completed)["steps"] == 28


@pytest.mark.usefixtures("completed")
def test_the_program_that_is_compiled_beside_is_the_one_that_trains(config):
    assert len(programs_of(config).train._ready) == 1


def test_a_trained_network_predicts_as_well_as_its_run_reported(config, completed, twins, tmp_path):
    run_dir = completed
    exported = tmp_path / "exported"
    exported.mkdir()
    for file in (run_dir / runs.CONFIG_FILE, run_dir / runs.CHECKPOINT_FOLDER / checkpoint.BEST):
        shutil.copy(file, exported)
    examples = take_examples(open_task(config.task, twins).split("val"), None)
    for folder in (run_dir, exported):
        trained = load_predictor(folder)
        assert trained.config.model == config.model
        hits = trained.predict(examples.inputs, examples.lengths) == examples.targets
        assert np.mean(hits) == runs.read_result(run_dir)[runs.VAL_ACCURACY]
    (exported / checkpoint.BEST).unlink()
    with pytest.raises(ConfigError) as missing:
        load_predictor(exported)
    assert missing.value.code == "api.no-parameters"


def test_the_parts_of_a_runs_seconds_are_recorded(config, twins, left_early):
    before = runs.read_result(left_early)
    list(train(config, data_root=twins, run_dir=left_early))
    result = runs.read_result(left_early)
    for name in runs.PARTS_OF_SECONDS:
        assert result[name] >= before[name] >= 0
    assert result["train_seconds"] > before["train_seconds"] > 0
    assert result["eval_seconds"] > 0
    assert sum(result[name] for name in runs.PARTS_OF_SECONDS) <= result[runs.SECONDS]


def test_a_checkpoint_of_an_early_version_is_continued(config, twins, left_early):
    last = left_early / "checkpoints" / checkpoint.LAST
    content = checkpoint.read_checkpoint(last)
    del content["clock"]
    checkpoint.write_checkpoint(last, content)
    assert content["state"]["sound"]  # what files of every version call TrainState.finite
    list(train(config, data_root=twins, run_dir=left_early))
    assert runs.read_result(left_early)["status"] == "completed"


def test_continuing_a_completed_run_leaves_its_result_alone(config, completed, twins, tmp_path):
    run_dir = shutil.copytree(completed, tmp_path / "run")
    evaluate_test(run_dir, data_root=twins)
    result = (run_dir / runs.RESULT_FILE).read_text()
    assert runs.TEST_ACCURACY in result
    assert list(train(config, data_root=twins, run_dir=run_dir)) == []
    assert (run_dir / runs.RESULT_FILE).read_text() == result


@pytest.mark.parametrize("stop_after", [1, 2, 4])
def test_a_resumed_run_equals_the_uninterrupted_one(config, completed, twins, tmp_path, stop_after):
    reports = train(config, data_root=twins, run_dir=tmp_path)
    list(islice(reports, stop_after))
    reports.close()
    assert runs.read_result(tmp_path)["status"] == "interrupted"
    rest = list(train(config, data_root=twins, run_dir=tmp_path))
    assert len(rest) == 5 - stop_after
    assert_same_run(tmp_path, completed)


def test_single_steps_give_the_same_run_bit_for_bit(
    config, completed, twins, tmp_path, monkeypatch
):
    monkeypatch.setattr(loop, "DISPATCH_SECONDS", 0.0)
    list(train(config, data_root=twins, run_dir=tmp_path))
    assert_same_run(completed, tmp_path)


def test_a_damaged_last_checkpoint_costs_one_interval(config, completed, twins, tmp_path, caplog):
    list(islice(train(config, data_root=twins, run_dir=tmp_path), 3))
    last = tmp_path / "checkpoints" / checkpoint.LAST
    last.write_bytes(last.read_bytes()[:-7])
    rest = list(train(config, data_root=twins, run_dir=tmp_path))
    assert [r.step for r in rest] == [18, 24, 28]
    assert "damaged" in caplog.text
    assert_same_run(tmp_path, completed)


def test_without_a_readable_checkpoint_the_error_names_each(config, twins, left_early):
    for name in (checkpoint.LAST, checkpoint.PREVIOUS):
        (left_early / "checkpoints" / name).write_bytes(b"rubbish")
    with pytest.raises(CheckpointDamaged) as error:
        next(train(config, data_root=twins, run_dir=left_early))
    codes = ["training.no-readable-checkpoint", "files.wrong-format", "files.wrong-format"]
    assert [problem.code for problem in error.value.problems] == codes


def test_a_run_directory_of_another_configuration_is_refused_and_kept(config, twins, left_early):
    before = (left_early / runs.CONFIG_FILE).read_text()
    with pytest.raises(ConfigError) as error:
        next(train(with_optim(config, weight_decay=0.1), data_root=twins, run_dir=left_early))
    assert error.value.code == "training.other-configuration"
    assert (left_early / runs.CONFIG_FILE).read_text() == before


def test_divergence_names_step_and_parameter(config, twins, tmp_path):
    wild = with_optim(config, learning_rate=1e30, warmup_fraction=0.0, schedule="constant")
    with pytest.raises(Diverged) as caught:
        list(train(wild, data_root=twins, run_dir=tmp_path))
    assert 1 < caught.value.step <= 28
    result = runs.read_result(tmp_path)
    assert result["status"] == "diverged"
    assert f"step {caught.value.step}" in result["error"]
    assert caught.value.parameter in result["error"]
    # The step that was not finite is not taken.
    json.dumps(runs.read_metrics(tmp_path), allow_nan=False)


def test_the_test_split_is_read_once_and_only_on_demand(config, twins, tmp_path, monkeypatch):
    opened = []
    split = type(open_task("copy", twins)).split
    monkeypatch.setattr(
        "lru_tune.data.store.PreparedTask.split",
        lambda self, name: opened.append(name) or split(self, name),
    )
    list(train(config, data_root=twins, run_dir=tmp_path))
    assert set(opened) == {"train", "val"}
    metrics = evaluate_test(tmp_path, data_root=twins)
    assert opened.count("test") == 1
    result = runs.read_result(tmp_path)
    assert result[runs.TEST_ACCURACY] == metrics[runs.TEST_ACCURACY]
    assert result["status"] == "completed"


def test_a_batch_larger_than_the_data_is_a_configuration_error(config, twins, tmp_path):
    data = config.data.model_copy(update={"batch_size": 4096})
    with pytest.raises(ConfigError) as error:
        next(train(config.model_copy(update={"data": data}), data_root=twins, run_dir=tmp_path))
    assert error.value.code == "config.batch-too-large"


@pytest.mark.slow
def test_a_small_set_can_be_learnt_by_heart(config, twins, tmp_path):
    data = config.data.model_copy(update={"train_examples": 32, "batch_size": 32})
    model = config.model.model_copy(update={"d_model": 48, "d_hidden": 48, "dropout": 0.0})
    longer = with_optim(config, learning_rate=1e-2, weight_decay=0.0).model_copy(
        update={"data": data, "model": model, "steps": 300, "eval_every": 100}
    )
    reports = list(train(longer, data_root=twins, run_dir=tmp_path))
    assert reports[-1].metrics[runs.TRAIN_ACCURACY] > 0.95
    assert reports[-1].metrics[runs.TRAIN_LOSS] < reports[0].metrics[runs.TRAIN_LOSS] / 3


@pytest.mark.slow
def test_a_run_learns_which_documents_belong_together(tmp_path):
    ensure_prepared("aan", tmp_path, synthetic=True)
    config = RunConfig(
        task="aan",
        steps=120,
        model=ModelConfig(
            n_layers=1,
            d_model=32,
            d_hidden=32,
            dropout=0.0,
            recurrence=DiagonalRecurrence(r_min=0.0, r_max=0.9),
        ),
        optim=OptimConfig(learning_rate=1e-2, weight_decay=0.0),
        data=DataConfig(batch_size=16, max_length=128),
    )
    root = tmp_path / "synthetic"
    reports = list(train(config, data_root=root, run_dir=tmp_path / "run"))
    assert max(report.metrics[runs.VAL_ACCURACY] for report in reports) > 0.8
    assert evaluate_test(tmp_path / "run", data_root=root)[runs.TEST_ACCURACY] > 0.8
