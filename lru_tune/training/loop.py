"""One training run, from its configuration to result.json; knows neither Ray nor the command line.

`train` is a generator of reports, so that a search can stop a run after any of them:

    for report in train(config, data_root=Path("data"), run_dir=Path("runs/first")):
        print(report.step, report.metrics["val/accuracy"])
"""

import math
import time
from collections.abc import Generator, Sequence
from functools import lru_cache
from pathlib import Path

import jax
import numpy as np

from lru_tune.config.config_files import load_run_config
from lru_tune.config.schema import RunConfig
from lru_tune.data.batches import epoch_order
from lru_tune.data.store import open_task
from lru_tune.files import run_directory as runs
from lru_tune.files.run_directory import Report
from lru_tune.training.checkpoint import BEST, read_checkpoint
from lru_tune.training.divergence import divergence
from lru_tune.training.programs.compiled import Programs, programs_of, start_compiling
from lru_tune.training.run_status import recorded_status
from lru_tune.training.run_writer import RunWriter
from lru_tune.training.state import Batches, Sums, TrainState, load_split
from lru_tune.training.trackers.tracker import Tracker

DISPATCH_SECONDS = 2.0  # longest wait for one call of a program: Python hears Ctrl-C after it


def train(
    config: RunConfig, *, data_root: Path, run_dir: Path, trackers: Sequence[Tracker] = ()
) -> Generator[Report]:
    """Train one run, yielding a report every `eval_every` steps; resumes the run that `run_dir` holds.

    The test split is not opened. Everything final is on disk before the last report is yielded. Closing the
    generator early leaves a run that can be resumed, with status `interrupted`.

    Args:
      config: the run; `steps` and `eval_every` are resolved here.
      data_root: folder of prepared tasks.
      run_dir: the run directory, created if need be.
      trackers: are given every report.

    Raises:
      Diverged: a loss or gradient is not finite; result.json says so.
      ConfigError: the run does not fit the data or this machine, or `run_dir` belongs to another run.
      DataNotPrepared, DataDamaged: the task's arrays are missing or damaged.
      CheckpointDamaged: `run_dir` holds checkpoints, but none that can be read.
    """
    task = open_task(config.task, data_root)
    run = RunWriter(config, task, run_dir)
    config = run.config
    programs = programs_of(config)
    train_data, val_data = (load_split(task, split, config.data) for split in ("train", "val"))
    compiling = start_compiling(programs, run.hyper, train_data, config.data.batch_size)
    state = run.restore(programs)  # from the newest checkpoint, or drawn from the seed
    dispatch = Dispatcher(programs, run, train_data)

    with recorded_status(run.finish, config, run_dir, trackers) as record:
        while run.step < run.length.steps:
            compiling.join()
            target = run.next_report(run.step)
            while run.step < target:
                state = dispatch(state, target)
                run.step = int(state.step)
                if not state.finite:
                    batch = dispatch.batch(run.step)
                    raise divergence(programs, state, run.hyper, train_data, batch)
                if run.step < target and run.checkpoint_is_due():
                    run.save(state)
            with run.clock.counting("eval_seconds"):
                sums = programs.evaluate(state.params, state.batch_stats, val_data)
                validation = jax.device_get(sums)
            report = run.report(state, validation)  # metrics.csv, then the checkpoints
            state = state._replace(sums=Sums.zero())
            record(report)
            yield report


def evaluate_test(run_dir: Path, *, data_root: Path) -> dict[str, float]:
    """Evaluate the best parameters by validation on the test split and add the result to result.json.

    Returns:
      `test/loss` and `test/accuracy`.
    """
    config = load_run_config(run_dir / runs.CONFIG_FILE)
    task = open_task(config.task, data_root)
    best = read_checkpoint(run_dir / runs.CHECKPOINT_FOLDER / BEST)
    data = load_split(task, "test", config.data)
    sums: Sums = programs_of(config).evaluate(best["params"], best["batch_stats"], data)
    metrics = dict(zip((runs.TEST_LOSS, runs.TEST_ACCURACY), sums.means(), strict=True))
    runs.update_result(run_dir, **metrics)
    return metrics


class Dispatcher:
    """Calls the training program of a run: many optimiser steps in one call, all of one epoch."""

    def __init__(self, programs: Programs, run: RunWriter, data: Batches) -> None:
        self._programs, self._run, self._data = programs, run, data
        self._seconds_a_step = math.inf

        @lru_cache(maxsize=1)
        def order(epoch: int) -> jax.Array:
            examples, batch_size = len(data.targets), run.config.data.batch_size
            return jax.device_put(epoch_order(run.config.seed, epoch, examples, batch_size))

        self._order = order

    def __call__(self, state: TrainState, target: int) -> TrainState:
        """Take one or more steps, at most up to step `target`, and wait for them; consumes `state`."""
        run = self._run
        epoch, first = divmod(run.step, run.steps_per_epoch)
        count = min(
            target - run.step,
            run.steps_per_epoch - first,
            run.config.runtime.steps_per_dispatch,
            max(1, int(DISPATCH_SECONDS / self._seconds_a_step)),
        )
        begun = time.monotonic()
        with run.clock.counting("train_seconds"):
            state = self._programs.train(
                state, run.hyper, self._data, self._order(epoch), np.int32(first), np.int32(count)
            )
            jax.block_until_ready(state)
        self._seconds_a_step = (time.monotonic() - begun) / count
        return state

    def batch(self, step: int) -> jax.Array:
        """Return (B,) int32, the examples of the batch that follows on `step` steps."""
        epoch, number = divmod(step, self._run.steps_per_epoch)
        return self._order(epoch)[number]
