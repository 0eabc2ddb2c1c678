"""One training run: a generator of reports that knows neither Ray nor the command line."""

import math
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lru_tune.config.compile_key import compile_key
from lru_tune.config.config_files import load_run_config
from lru_tune.config.schema import RunConfig
from lru_tune.data.batches import epoch_order, take_examples
from lru_tune.data.store import PreparedTask, SplitName, open_task
from lru_tune.errors import Diverged
from lru_tune.files import run_directory as runs
from lru_tune.files.run_directory import Report
from lru_tune.training import checkpoint
from lru_tune.training.bookkeeping import Bookkeeper, means
from lru_tune.training.course import follow
from lru_tune.training.hyperparameters import Hyperparameters
from lru_tune.training.optimizer import leaf_names
from lru_tune.training.programs.automatic_choices import settled
from lru_tune.training.programs.compiled import Programs, programs, start_compiling
from lru_tune.training.state import Batches, Sums, TrainState
from lru_tune.training.trackers.trackers import Tracker

DISPATCH_SECONDS = 2.0  # longest time that Python waits for one dispatch, so that Ctrl-C is heard


def train(
    config: RunConfig, *, data_root: Path, run_dir: Path, trackers: Sequence[Tracker] = ()
) -> Generator[Report]:
    """Train one run, yielding a report every `eval_every` steps; continues what `run_dir` holds.

    The test split is not opened. Everything final is written before the last report is yielded. Closing
    the generator early leaves a run that can be continued, with status `interrupted`.

    Args:
      config: the run; `steps` and `eval_every` are resolved here.
      data_root: folder of prepared tasks.
      run_dir: the run directory, created if need be.
      trackers: told of every report.

    Raises:
      Diverged: a loss or gradient is not finite; result.json says so.
      DataNotPrepared, DataDamaged, CheckpointDamaged, ConfigError: as they say.
    """
    yield from follow(Run(config, data_root, run_dir), run_dir, trackers)


def evaluate_test(run_dir: Path, *, data_root: Path) -> dict[str, float]:
    """Evaluate the best parameters by validation on the test split and add that to result.json.

    Returns:
      `test/loss` and `test/accuracy`.
    """
    config = load_run_config(run_dir / runs.CONFIG_FILE)
    task = open_task(config.task, data_root)
    best = checkpoint.read_checkpoint(run_dir / runs.CHECKPOINT_FOLDER / checkpoint.BEST)
    data = to_device(task, "test", config.data.test_examples, config.data.max_length)
    sums = programs_of(config).evaluate(best["params"], best["batch_stats"], data)
    loss, accuracy = means(sums)
    metrics = {runs.TEST_LOSS: loss, runs.TEST_ACCURACY: accuracy}
    runs.update_result(run_dir, **metrics)
    return metrics


class Run:
    """A run under way in this process: its state on the device, and its bookkeeper."""

    def __init__(self, config: RunConfig, data_root: Path, run_dir: Path) -> None:
        task = open_task(config.task, data_root)
        self._book = Bookkeeper(config, task, run_dir)
        self.config, self.length = self._book.config, self._book.length
        self.programs = programs_of(self.config)
        self.hyper = self._book.hyper
        data = self.config.data
        self.train_data = to_device(task, "train", data.train_examples, data.max_length)
        self.val_data = to_device(task, "val", data.val_examples, data.max_length)
        self.order: tuple[int, jax.Array] | None = None
        self.seconds_a_step = math.inf
        self.compiling = start_compiling(
            self.programs, self.hyper, self.train_data, self.config.data.batch_size
        )
        self.state = self._book.open(self.programs)
        self.step = int(self.state.step)

    def advance(self) -> Report:
        """Train to the next report, evaluate, save and report.

        Raises:
          Diverged: a step was not finite.
        """
        target = self._book.next_report(self.step)
        while self.step < target:
            self._dispatch(target)
            if self._book.is_due() and self.step < target:
                self._book.save(self.state)
        with self._book.clock.counting("eval_seconds"):
            validation = jax.device_get(
                self.programs.evaluate(self.state.params, self.state.batch_stats, self.val_data)
            )
        report = self._book.report(self.state, validation)
        self.state = self.state._replace(sums=Sums.zero())
        return report

    def finish(self, status: runs.Status, **fields: Any) -> None:
        """Write result.json."""
        self._book.finish(status, self.step, **fields)

    def _dispatch(self, target: int) -> None:
        """Take some steps in one call of the compiled program, at most to `target` or epoch's end."""
        per_epoch, batch_size = self._book.steps_per_epoch, self.config.data.batch_size
        epoch, first = divmod(self.step, per_epoch)
        if self.order is None or self.order[0] != epoch:
            examples = self.train_data.targets.shape[0]
            order = epoch_order(self.config.seed, epoch, examples, batch_size)
            self.order = epoch, jax.device_put(order)
        count = min(
            target - self.step,
            per_epoch - first,
            self.config.runtime.steps_per_dispatch,
            max(1, int(DISPATCH_SECONDS / self.seconds_a_step)),
        )
        self.compiling.join()
        begun = time.monotonic()
        with self._book.clock.counting("train_seconds"):
            self.state = self.programs.train(
                self.state,
                self.hyper,
                self.train_data,
                self.order[1],
                np.int32(first),
                np.int32(count),
            )
            sound = bool(self.state.sound)  # waits for the steps
        if not sound:
            self.step = int(self.state.step)
            batch = self.order[1][self.step % per_epoch]
            raise divergence(self.programs, self.state, self.hyper, self.train_data, batch)
        self.step += count
        self.seconds_a_step = (time.monotonic() - begun) / count


def divergence(
    made: Programs, state: TrainState, hyper: Hyperparameters, data: Batches, batch: jax.Array
) -> Diverged:
    """Return the error of a state that is not sound, found by taking the gradients it failed at again.

    It names the first parameter whose gradient is not finite on `batch`, indices (B,).
    """
    _, grads = made.gradients(state, hyper, data, batch)
    named = zip(leaf_names(grads), jax.tree.leaves(grads), strict=True)
    culprits = (name for name, leaf in named if not jnp.all(jnp.isfinite(leaf)))
    return Diverged(int(state.step) + 1, next(culprits, "loss"))


def programs_of(config: RunConfig) -> Programs:
    """Return the programs of a configuration, shared with all that have its `compile_key`."""
    return programs(
        compile_key(settled(config)), config.runtime.eval_batch_size or 2 * config.data.batch_size
    )


def to_device(
    task: PreparedTask, split: SplitName, limit: int | None, max_length: int | None
) -> Batches:
    """Return the first `limit` examples of a split on the device, each cut to `max_length` steps."""
    examples = take_examples(task.split(split), limit, max_length)
    return Batches(*(jax.device_put(np.asarray(part)) for part in examples))
