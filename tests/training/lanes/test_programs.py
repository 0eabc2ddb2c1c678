"""Runs in lanes give what runs alone give.

A lane's products are batched over lanes, so that their sums are taken in another order than alone: values
agree to float32's rounding, which some dozens of optimiser steps carry on. Adam divides by the root of tiny
second moments, so that a parameter may move by a rounding of its gradient's sign where that is near zero;
hence an absolute tolerance of a hundredth of what a parameter travels.
"""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.config.dotted import flatten
from lru_tune.errors import Diverged
from lru_tune.files import run_directory as runs
from lru_tune.files.run_directory import Report
from lru_tune.tasks import find_task
from lru_tune.training import checkpoint, run_writer
from lru_tune.training.checkpoint import read_checkpoint
from lru_tune.training.hyperparameters import hyperparameters
from lru_tune.training.lanes.lane_trainer import LaneTrainer
from lru_tune.training.lanes.programs import Lanes, bank_size, common_count, lane_programs
from lru_tune.training.loop import train
from lru_tune.training.programs.compiled import programs_of
from lru_tune.training.run_status import recorded_status
from lru_tune.training.state import Batches

RTOL, ATOL = 2e-3, 5e-4
TIMES = {runs.SECONDS, runs.EXAMPLES_PER_SECOND}


def varied(config, number):
    """One of several runs that share a program: every traced field of them differs."""
    ring = {"r_min": 0.1 * number, "r_max": 0.9 + 0.03 * number, "max_phase": 1.0 + number}
    recurrence = config.model.recurrence.model_copy(update=ring)
    model = config.model.model_copy(
        update={"recurrence": recurrence, "dropout": 0.05 + 0.1 * number}
    )
    optim = config.optim.model_copy(
        update={
            "learning_rate": 1e-3 * (1 + number),
            "weight_decay": 0.02 * number,
            "recurrent_lr_factor": 0.25 * (1 + number),
            "schedule": ("cosine", "constant")[number % 2],
        }
    )
    lengths = {"steps": 28 - 5 * number, "eval_every": 6 + number}
    return config.model_copy(update={"model": model, "optim": optim, "seed": number, **lengths})


def wild(config):
    fields = {"learning_rate": 1e30, "warmup_fraction": 0.0, "schedule": "constant"}
    return config.model_copy(update={"optim": config.optim.model_copy(update=fields)})


class InLane:
    """A run in a lane of a trainer, driven like one alone."""

    def __init__(self, trainer, config, data_root, run_dir):
        self._trainer = trainer
        self._run = trainer.open(config, data_root, run_dir)
        self.config, self.length = self._run.writer.config, self._run.writer.length
        self.step = self._run.step
        self.outcomes = []
        trainer.admit(self._run)

    def ask(self):
        self._run.report_requested = True

    def advance(self):
        self.ask()
        while not self.outcomes:
            for event in self._trainer.advance():
                LANES[event.run].outcomes.append(event.run.write(event))
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Diverged):
            raise outcome
        self.step = outcome.step
        return outcome

    def reports(self, run_dir):
        with recorded_status(self.finish, self.config, run_dir, ()) as record:
            while self.step < self.length.steps:
                report = self.advance()
                record(report)
                yield report

    def finish(self, status, **fields):
        self._trainer.leave(self._run)
        self._run.finish(status, **fields)


LANES = {}


@pytest.fixture
def trainer():
    LANES.clear()
    return LaneTrainer(max_lanes=4)


@pytest.fixture
def start(trainer, twins):
    """Begin a run in a lane; the generator of its reports is advanced by hand."""

    def start(config, run_dir: Path):
        lane = InLane(trainer, config, twins, run_dir)
        LANES[lane._run] = lane
        return lane.reports(run_dir)

    return start


@pytest.fixture
def another(trainer, config, twins, tmp_path):
    """A run that is never asked for anything: the bank keeps its size, and so its compiled program."""
    run = trainer.open(varied(config, 2), twins, tmp_path / "another")
    trainer.admit(run)


def taken_in_turns(*courses):
    """Take a report of each run in turn until all are at their ends; return how many each gave."""
    counts, left = [0] * len(courses), dict(enumerate(courses))
    while left:
        for number, course in list(left.items()):
            if next(course, None) is None:
                del left[number]
            else:
                counts[number] += 1
    return counts


def alone(config, twins, run_dir):
    list(train(config, data_root=twins, run_dir=run_dir))
    return run_dir


def assert_close_runs(ours, theirs):
    """Same files, same reports and parameters to rounding."""
    names = [sorted(p.relative_to(run) for p in run.rglob("*")) for run in (ours, theirs)]
    assert names[0] == names[1]
    assert (ours / runs.CONFIG_FILE).read_text() == (theirs / runs.CONFIG_FILE).read_text()
    mine, other = (runs.read_metrics(run) for run in (ours, theirs))
    assert len(mine) == len(other)
    for a, b in zip(mine, other, strict=True):
        for name in set(runs.METRICS_COLUMNS) - TIMES:
            np.testing.assert_allclose(a[name], b[name], rtol=RTOL, atol=ATOL, err_msg=name)
    results = [runs.read_result(run) for run in (ours, theirs)]
    for name in ("status", "steps", "horizon", "config_hash", "parameters", "seed"):
        assert results[0][name] == results[1][name]
    mine, other = (
        flatten(read_checkpoint(run / "checkpoints" / checkpoint.LAST)) for run in (ours, theirs)
    )
    assert mine.keys() == other.keys()
    for key, value in mine.items():
        if key.startswith("state.") and not key.startswith("state.moments"):
            np.testing.assert_allclose(value, other[key], rtol=RTOL, atol=ATOL, err_msg=key)


def assert_equal_runs(ours, theirs):
    """Bit for bit, but for times."""
    for a, b in zip(runs.read_metrics(ours), runs.read_metrics(theirs), strict=True):
        assert {k: v for k, v in a.items() if k not in TIMES} == {
            k: v for k, v in b.items() if k not in TIMES
        }
    mine, other = (
        flatten(read_checkpoint(run / "checkpoints" / checkpoint.LAST)) for run in (ours, theirs)
    )
    for key, value in mine.items():
        if not key.endswith("seconds"):
            np.testing.assert_array_equal(value, other[key], err_msg=key)


@pytest.mark.slow
def test_lanes_with_different_hyperparameters_equal_runs_alone(config, twins, start, tmp_path):
    configs = [varied(config, number) for number in range(3)]
    courses = [start(c, tmp_path / f"lane{n}") for n, c in enumerate(configs)]
    taken_in_turns(*courses)
    for number, lone in enumerate(configs):
        theirs = alone(lone, twins, tmp_path / f"alone{number}")
        assert_close_runs(tmp_path / f"lane{number}", theirs)


@pytest.mark.slow
def test_a_lane_is_refilled_while_others_go_on(config, twins, start, tmp_path):
    long, stopped, late = (varied(config, number) for number in (0, 1, 2))
    going, leaving = start(long, tmp_path / "long"), start(stopped, tmp_path / "stopped")
    next(going)
    next(leaving)
    leaving.close()
    result = runs.read_result(tmp_path / "stopped")
    assert (result["status"], result["steps"]) == ("interrupted", stopped.eval_every)
    assert [r["step"] for r in runs.read_metrics(tmp_path / "stopped")] == [stopped.eval_every]
    taken_in_turns(start(late, tmp_path / "late"), going)
    assert_close_runs(tmp_path / "late", alone(late, twins, tmp_path / "late-alone"))
    assert_close_runs(tmp_path / "long", alone(long, twins, tmp_path / "long-alone"))


@pytest.mark.slow
def test_a_diverging_lane_changes_no_bit_of_the_others(config, start, another, tmp_path):
    good, other = varied(config, 0), varied(config, 1)
    taken_in_turns(start(good, tmp_path / "with"), start(other, tmp_path / "sane"))
    beside, bad = start(good, tmp_path / "beside"), start(wild(other), tmp_path / "bad")
    next(beside)
    with pytest.raises(Diverged) as caught:
        list(bad)
    list(beside)
    assert_equal_runs(tmp_path / "with", tmp_path / "beside")
    result = runs.read_result(tmp_path / "bad")
    assert (result["status"], result["steps"]) == ("diverged", caught.value.step - 1)
    assert caught.value.parameter in result["error"]
    json.dumps(runs.read_metrics(tmp_path / "bad"), allow_nan=False)


@pytest.mark.slow
def test_a_lane_resumed_from_its_checkpoint_equals_the_uninterrupted(
    config, start, another, tmp_path
):
    first, second = varied(config, 0), varied(config, 1)
    taken_in_turns(start(first, tmp_path / "a"), start(second, tmp_path / "b"))
    one, two = start(first, tmp_path / "a-again"), start(second, tmp_path / "b-again")
    next(one)
    next(two)
    next(two)
    one.close()
    two.close()
    taken_in_turns(start(first, tmp_path / "a-again"), start(second, tmp_path / "b-again"))
    assert_equal_runs(tmp_path / "a", tmp_path / "a-again")
    assert_equal_runs(tmp_path / "b", tmp_path / "b-again")


@pytest.mark.slow
def test_runs_of_other_shapes_get_a_bank_of_their_own(config, twins, start, tmp_path):
    plain = config.model_copy(update={"model": config.model.model_copy(update={"dropout": 0.0})})
    taken_in_turns(start(plain, tmp_path / "plain"), start(varied(config, 1), tmp_path / "dropped"))
    assert_close_runs(tmp_path / "plain", alone(plain, twins, tmp_path / "plain-alone"))
    assert runs.read_result(tmp_path / "dropped")["status"] == "completed"


def test_the_program_of_lanes_lowers_for_a_gpu(config):
    chunked = config.runtime.model_copy(update={"scan": "chunked"})
    config = config.model_copy(update={"runtime": chunked})
    made, hyper = programs_of(config), hyperparameters(config)
    lane = Lanes(jax.eval_shape(made.init, hyper), hyper)
    stacked = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((4, *leaf.shape), leaf.dtype), lane)
    task = find_task("copy")  # eight channels
    data = Batches(
        jax.ShapeDtypeStruct((256, task.max_length, 8), jnp.uint8),
        jax.ShapeDtypeStruct((256, task.scored_steps, task.num_outputs), jnp.uint8),
        jax.ShapeDtypeStruct((256,), jnp.int32),
    )
    batches = jax.ShapeDtypeStruct((4, 50, 16), jnp.int32)
    counts = jax.ShapeDtypeStruct((4,), jnp.int32)
    traced = lane_programs(made).train.jitted.trace(stacked, data, batches, counts)
    assert "stablehlo.while" in traced.lower(lowering_platforms=("cuda",)).as_text()


@pytest.mark.slow
def test_a_lane_trains_ahead_to_its_next_report_but_does_not_make_it(
    config, trainer, twins, tmp_path, monkeypatch
):
    short = config.runtime.model_copy(update={"steps_per_dispatch": 4})
    run = trainer.open(config.model_copy(update={"runtime": short}), twins, tmp_path)
    trainer.admit(run)
    while trainer.has_work():
        assert trainer.advance() == []
    assert run.step == 6
    assert runs.read_metrics(tmp_path) == []
    run.report_requested = True
    (event,) = trainer.advance()
    report = run.write(event)
    assert isinstance(report, Report)
    assert report.step == 6
    monkeypatch.setattr(run_writer, "CHECKPOINT_SECONDS", 0.0)
    (old,) = trainer.advance()
    assert old.kind == "checkpoint"
    assert run.write(old) is None
    saved = read_checkpoint(tmp_path / "checkpoints" / checkpoint.LAST)
    assert 6 < int(saved["state"]["step"]) < 12
    assert saved["progress"]["reports"] == 1


@pytest.mark.parametrize(("runs_", "size"), [(1, 1), (2, 4), (4, 4), (5, 16), (17, 20), (20, 20)])
def test_a_bank_has_few_sizes(runs_, size):
    assert bank_size(runs_, max_lanes=20) == size


@pytest.mark.parametrize(
    ("remaining", "count"),
    [
        ([], 0),
        ([0, 0], 0),
        ([30, 0, 20], 20),
        ([90, 80], 48),  # at most
        ([40, 2], 6),  # an eighth of it at least
        ([3, 2], 3),  # but no further than anyone goes
    ],
)
def test_a_dispatch_goes_to_the_nearest_report(remaining, count):
    assert common_count(remaining, most=48) == count


def test_batches_go_on_across_epochs(config, trainer, twins, tmp_path):
    run = trainer.open(config, twins, tmp_path)
    whole = run.next_batches(40)  # epochs of 16
    assert whole.shape == (40, 16)
    for epoch in range(2):
        seen = np.sort(whole[16 * epoch : 16 * epoch + 16].ravel())
        np.testing.assert_array_equal(seen, np.arange(256))
    run.step = 13
    np.testing.assert_array_equal(run.next_batches(9), whole[13:22])
