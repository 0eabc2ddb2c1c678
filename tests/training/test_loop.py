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
from lru_tune.training import checkpoint
from lru_tune.training.checkpoint import read_checkpoint
from lru_tune.training.loop import evaluate_test, train
from lru_tune.training.programs.resolve_auto import resolve_auto
from lru_tune.training.trained.predictor import load_trained

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
def uninterrupted(twins, tmp_path_factory):
    def run_once(config):
        run_dir = tmp_path_factory.mktemp("runs") / "whole"
        return run_dir, list(train(config, data_root=twins, run_dir=run_dir))

    return run_once


def test_a_run_reports_and_leaves_a_complete_directory(config, uninterrupted):
    run_dir, reports = uninterrupted(config)
    assert [r.step for r in reports] == [6, 12, 18, 24, 28]
    assert [r.last for r in reports] == [False] * 4 + [True]
    rows = runs.read_metrics(run_dir)
    assert [tuple(row) for row in rows] == [runs.METRICS_COLUMNS] * 5
    assert all(math.isfinite(value) for row in rows for value in row.values())
    assert rows[-1][runs.EPOCH] == 28 / 16
    result = runs.read_result(run_dir)
    chosen = resolve_auto(config).runtime
    assert (result["block"], result["scan"]) == (chosen.block, chosen.scan)
    best = max(rows, key=lambda row: row[runs.VAL_ACCURACY])
    assert result["status"] == "completed"
    assert (result["steps"], result["horizon"]) == (28, 28)
    assert result[runs.VAL_ACCURACY] == best[runs.VAL_ACCURACY]
    assert result["best_step"] == best[runs.STEP]
    assert runs.TEST_ACCURACY not in result
    assert runs.read_config(run_dir)["steps"] == 28


def test_a_trained_network_predicts_as_well_as_its_run_reported(
    config, uninterrupted, twins, tmp_path
):
    run_dir, _ = uninterrupted(config)
    exported = tmp_path / "exported"
    exported.mkdir()
    for file in (run_dir / runs.CONFIG_FILE, run_dir / runs.CHECKPOINT_FOLDER / checkpoint.BEST):
        shutil.copy(file, exported)
    examples = take_examples(open_task(config.task, twins).split("val"), None)
    for folder in (run_dir, exported):
        trained = load_trained(folder)
        assert trained.config.model == config.model
        hits = np.argmax(trained.predict(examples.inputs, examples.lengths), -1) == examples.targets
        assert np.mean(hits) == runs.read_result(run_dir)[runs.VAL_ACCURACY]
    (exported / checkpoint.BEST).unlink()
    with pytest.raises(ConfigError, match="holds no parameters"):
        load_trained(exported)


def test_the_parts_of_a_runs_seconds_are_recorded(config, twins, tmp_path):
    reports = train(config, data_root=twins, run_dir=tmp_path)
    list(islice(reports, 2))
    reports.close()
    before = runs.read_result(tmp_path)
    list(train(config, data_root=twins, run_dir=tmp_path))
    result = runs.read_result(tmp_path)
    for name in runs.PARTS_OF_SECONDS:
        assert result[name] >= before[name] >= 0
    assert result["train_seconds"] > before["train_seconds"] > 0
    assert result["eval_seconds"] > 0
    assert sum(result[name] for name in runs.PARTS_OF_SECONDS) <= result[runs.SECONDS]


def test_a_checkpoint_without_a_clock_is_continued(config, twins, tmp_path):
    reports = train(config, data_root=twins, run_dir=tmp_path)
    list(islice(reports, 2))
    reports.close()
    last = tmp_path / "checkpoints" / checkpoint.LAST
    content = checkpoint.read_checkpoint(last)
    del content["clock"]
    checkpoint.write_checkpoint(last, content)
    list(train(config, data_root=twins, run_dir=tmp_path))
    assert runs.read_result(tmp_path)["status"] == "completed"


def test_continuing_a_completed_run_leaves_its_result_alone(config, twins, tmp_path):
    list(train(config, data_root=twins, run_dir=tmp_path))
    evaluate_test(tmp_path, data_root=twins)
    result = (tmp_path / runs.RESULT_FILE).read_text()
    assert runs.TEST_ACCURACY in result
    assert list(train(config, data_root=twins, run_dir=tmp_path)) == []
    assert (tmp_path / runs.RESULT_FILE).read_text() == result


def test_the_same_run_twice_is_the_same(config, uninterrupted):
    assert_same_run(uninterrupted(config)[0], uninterrupted(config)[0])


@pytest.mark.parametrize("stop_after", [1, 2, 4])
def test_a_resumed_run_equals_the_uninterrupted_one(
    config, uninterrupted, twins, tmp_path, stop_after
):
    reports = train(config, data_root=twins, run_dir=tmp_path)
    list(islice(reports, stop_after))
    reports.close()
    assert runs.read_result(tmp_path)["status"] == "interrupted"
    rest = list(train(config, data_root=twins, run_dir=tmp_path))
    assert len(rest) == 5 - stop_after
    assert_same_run(tmp_path, uninterrupted(config)[0])


def test_steps_per_dispatch_change_no_bit(config, uninterrupted):
    one = config.model_copy(
        update={"runtime": config.runtime.model_copy(update={"steps_per_dispatch": 1})}
    )
    a, b = uninterrupted(config)[0], uninterrupted(one)[0]
    assert without_times(runs.read_metrics(a)) == without_times(runs.read_metrics(b))


def test_a_damaged_last_checkpoint_costs_one_interval(
    config, uninterrupted, twins, tmp_path, caplog
):
    list(islice(train(config, data_root=twins, run_dir=tmp_path), 3))
    last = tmp_path / "checkpoints" / checkpoint.LAST
    last.write_bytes(last.read_bytes()[:-7])
    rest = list(train(config, data_root=twins, run_dir=tmp_path))
    assert [r.step for r in rest] == [18, 24, 28]
    assert "damaged" in caplog.text
    assert_same_run(tmp_path, uninterrupted(config)[0])


def test_without_a_sound_checkpoint_the_error_says_what_to_do(config, twins, tmp_path):
    list(islice(train(config, data_root=twins, run_dir=tmp_path), 2))
    for name in (checkpoint.LAST, checkpoint.PREVIOUS):
        (tmp_path / "checkpoints" / name).write_bytes(b"rubbish")
    with pytest.raises(CheckpointDamaged) as error:
        next(train(config, data_root=twins, run_dir=tmp_path))
    codes = ["training.no-readable-checkpoint", "files.wrong-format", "files.wrong-format"]
    assert [problem.code for problem in error.value.problems] == codes


def test_a_run_directory_of_another_configuration_is_refused(config, twins, tmp_path):
    list(islice(train(config, data_root=twins, run_dir=tmp_path), 1))
    with pytest.raises(ConfigError, match="another configuration"):
        next(train(with_optim(config, weight_decay=0.1), data_root=twins, run_dir=tmp_path))


def test_a_refused_run_keeps_its_configuration(config, twins, tmp_path):
    list(islice(train(config, data_root=twins, run_dir=tmp_path), 1))
    before = (tmp_path / runs.CONFIG_FILE).read_text()
    with pytest.raises(ConfigError):
        next(train(with_optim(config, weight_decay=0.1), data_root=twins, run_dir=tmp_path))
    assert (tmp_path / runs.CONFIG_FILE).read_text() == before


def test_divergence_names_step_and_parameter(config, twins, tmp_path):
    wild = with_optim(config, learning_rate=1e30, warmup_fraction=0.0, schedule="constant")
    with pytest.raises(Diverged) as caught:
        list(train(wild, data_root=twins, run_dir=tmp_path))
    assert 1 < caught.value.step <= 28
    result = runs.read_result(tmp_path)
    assert result["status"] == "diverged"
    assert f"step {caught.value.step}" in result["error"]
    assert caught.value.parameter in result["error"]


def test_a_bad_step_is_not_taken(config, twins, tmp_path):
    wild = with_optim(config, learning_rate=1e30, warmup_fraction=0.0, schedule="constant")
    with pytest.raises(Diverged):
        list(train(wild, data_root=twins, run_dir=tmp_path))
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
    with pytest.raises(ConfigError, match="the 256 training examples"):
        next(train(config.model_copy(update={"data": data}), data_root=twins, run_dir=tmp_path))


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
