"""One training run: a generator of reports that knows neither Ray nor the command line."""

import logging
import math
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lru_tune import runs
from lru_tune.atomic import write_atomically
from lru_tune.config.files import dump_run_config, load_run_config
from lru_tune.config.schema import RunConfig
from lru_tune.data.batches import epoch_order, take_examples
from lru_tune.data.store import PreparedTask, SplitName, open_task
from lru_tune.errors import ConfigError, Diverged
from lru_tune.runs import Report
from lru_tune.training import checkpoint
from lru_tune.training.back_ends import settled
from lru_tune.training.checkpoint import Progress
from lru_tune.training.hyperparameters import hyperparameters, program_key
from lru_tune.training.optimizer import leaf_names, learning_rate
from lru_tune.training.provenance import provenance
from lru_tune.training.steps import Batches, Programs, Sums, programs
from lru_tune.training.trackers import Tracker

logger = logging.getLogger(__name__)

DISPATCH_SECONDS = 2.0  # longest time that Python waits for one dispatch, so that Ctrl-C is heard
CHECKPOINT_SECONDS = 300.0  # a killed run loses at most about this much


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
    run = Run(config, data_root, run_dir)
    status: runs.Status = "interrupted"
    for tracker in trackers:
        tracker.start(run.config, run_dir)
    try:
        if run.step == run.length.steps:  # killed after its last checkpoint
            status = "completed"
            run.finish(status)
        while run.step < run.length.steps:
            report = run.advance()
            if report.last:
                status = "completed"
                run.finish(status)
            for tracker in trackers:
                tracker.log(report)
            yield report
    except Diverged as error:
        status = "diverged"
        run.finish(status, error=str(error))
        raise
    finally:
        if status == "interrupted":
            run.finish(status)
        for tracker in trackers:
            tracker.finish(status)


def evaluate_test(run_dir: Path, *, data_root: Path) -> dict[str, float]:
    """Evaluate the best parameters by validation on the test split and add that to result.json.

    Returns:
      `test/loss` and `test/accuracy`.
    """
    config = load_run_config(run_dir / runs.CONFIG_FILE)
    task = open_task(config.task, data_root)
    best = checkpoint.read_checkpoint(run_dir / runs.CHECKPOINT_FOLDER / checkpoint.BEST)
    data = _to_device(task, "test", config.data.test_examples, config.data.max_length)
    sums = _programs(config).evaluate(best["params"], best["batch_stats"], data)
    loss, accuracy = _means(sums)
    metrics = {runs.TEST_LOSS: loss, runs.TEST_ACCURACY: accuracy}
    runs.update_result(run_dir, **metrics)
    return metrics


class Run:
    """A run under way: its state on the device and its files in the run directory."""

    def __init__(self, config: RunConfig, data_root: Path, run_dir: Path) -> None:
        task = open_task(config.task, data_root)
        try:
            self.length = config.length(task.manifest.counts["train"])
            self.config = config.with_length(task.manifest.counts["train"])
        except ValueError as error:
            raise ConfigError(str(error)) from error
        self.scan = settled(self.config).runtime.scan
        self.run_dir = run_dir
        self.task = task
        self.programs = _programs(self.config)
        self.hyper = hyperparameters(self.config)
        data = self.config.data
        self.train_data = _to_device(task, "train", data.train_examples, data.max_length)
        self.val_data = _to_device(task, "val", data.val_examples, data.max_length)
        self.order: tuple[int, jax.Array] | None = None
        self.seconds_a_step = math.inf
        self.rows: list[dict[str, Any]] = []
        self.progress = Progress()
        self._open()
        self.step = int(self.state.step)
        self._saved_at = self._mark = time.monotonic()

    def _open(self) -> None:
        """Start at step 0, or where the newest checkpoint stands."""
        saved = checkpoint.load_newest(self.run_dir)
        if saved is not None and saved["config_hash"] != self.config.fingerprint():
            raise ConfigError(
                f"{self.run_dir} belongs to another configuration; choose another run directory"
            )
        write_atomically(self.run_dir / runs.CONFIG_FILE, dump_run_config(self.config))
        if saved is None:
            self.state = self.programs.init(self.hyper)
            return
        shapes = jax.eval_shape(self.programs.init, self.hyper)
        self.state = jax.tree.map(jnp.asarray, checkpoint.fill(shapes, saved["state"]))
        self.progress = Progress(**saved["progress"])
        self.rows = runs.read_metrics(self.run_dir)[: self.progress.reports]
        (self.run_dir / runs.RESULT_FILE).unlink(missing_ok=True)
        logger.info("%s: continuing at step %d", self.run_dir.name, int(self.state.step))

    def advance(self) -> Report:
        """Train to the next report, evaluate, save and report.

        Raises:
          Diverged: a step was not finite.
        """
        every = self.length.eval_every
        started, seconds_before = self.step, self.progress.seconds
        target = min((self.step // every + 1) * every, self.length.steps)
        while self.step < target:
            self._dispatch(target)
            if time.monotonic() - self._saved_at > CHECKPOINT_SECONDS and self.step < target:
                self._save()
        val_loss, val_accuracy = _means(
            self.programs.evaluate(self.state.params, self.state.batch_stats, self.val_data)
        )
        if not math.isfinite(val_loss):
            raise Diverged(self.step, "validation loss")
        train_loss, train_accuracy = _means(self.state.sums)
        self.state = self.state._replace(sums=Sums.zero())
        self._tick()
        elapsed = self.progress.seconds - seconds_before
        metrics = {
            runs.STEP: self.step,
            runs.EPOCH: self.step / self.steps_per_epoch,
            runs.TRAIN_LOSS: train_loss,
            runs.TRAIN_ACCURACY: train_accuracy,
            runs.VAL_LOSS: val_loss,
            runs.VAL_ACCURACY: val_accuracy,
            runs.LEARNING_RATE: float(learning_rate(jnp.int32(self.step - 1), self.hyper)),
            runs.SECONDS: self.progress.seconds,
            runs.EXAMPLES_PER_SECOND: (self.step - started) * self.batch_size / elapsed,
        }
        self._record(metrics)
        return Report(self.step, metrics, last=self.step == self.length.steps)

    def finish(self, status: runs.Status, **fields: Any) -> None:
        """Write result.json."""
        best = next((r for r in self.rows if r[runs.STEP] == self.progress.best_step), {})
        runs.write_result(
            self.run_dir,
            status,
            task=self.config.task,
            variant=self.config.variant,
            seed=self.config.seed,
            config_hash=self.config.fingerprint(),
            config=self.config.model_dump(mode="json"),
            steps=self.step,
            horizon=self.length.steps,
            best_step=self.progress.best_step,
            **{name: best.get(name) for name in (runs.VAL_LOSS, runs.VAL_ACCURACY)},
            seconds=self.progress.seconds,
            parameters=sum(leaf.size for leaf in jax.tree.leaves(self.state.params)),
            **fields,
            **provenance(self.task.manifest, self.scan),
        )

    @property
    def batch_size(self) -> int:
        """Examples of one optimiser step."""
        return self.config.data.batch_size

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in the training split."""
        return self.train_data.targets.shape[0] // self.batch_size

    def _dispatch(self, target: int) -> None:
        """Take some steps in one call of the compiled program, at most to `target` or epoch's end."""
        epoch, first = divmod(self.step, self.steps_per_epoch)
        if self.order is None or self.order[0] != epoch:
            examples = self.train_data.targets.shape[0]
            order = epoch_order(self.config.seed, epoch, examples, self.batch_size)
            self.order = epoch, jax.device_put(order)
        count = min(
            target - self.step,
            self.steps_per_epoch - first,
            self.config.runtime.steps_per_dispatch,
            max(1, int(DISPATCH_SECONDS / self.seconds_a_step)),
        )
        begun = time.monotonic()
        self.state = self.programs.train(
            self.state,
            self.hyper,
            self.train_data,
            self.order[1],
            jnp.int32(first),
            jnp.int32(count),
        )
        if not self.state.sound:
            raise Diverged(int(self.state.step) + 1, self._name_the_culprit(self.order[1]))
        self.step += count
        self.seconds_a_step = (time.monotonic() - begun) / count

    def _name_the_culprit(self, order: jax.Array) -> str:
        """Return the first parameter whose gradient is not finite at the step that was not taken."""
        batch = order[int(self.state.step) % self.steps_per_epoch]
        _, grads = self.programs.gradients(self.state, self.hyper, self.train_data, batch)
        for name, leaf in zip(leaf_names(grads), jax.tree.leaves(grads), strict=True):
            if not jnp.all(jnp.isfinite(leaf)):
                return name
        return "loss"

    def _record(self, metrics: dict[str, Any]) -> None:
        """Write the report, the best parameters if these are, and the checkpoint, in this order."""
        self.rows.append(metrics)
        runs.write_metrics(self.run_dir, self.rows)
        self.progress = self.progress._replace(reports=len(self.rows))
        value = metrics[runs.VAL_ACCURACY]
        if self.progress.best_step == 0 or value > self.progress.best_value:
            self.progress = self.progress._replace(best_step=self.step, best_value=value)
            checkpoint.write_checkpoint(
                self.run_dir / runs.CHECKPOINT_FOLDER / checkpoint.BEST,
                {
                    "step": self.step,
                    "params": self.state.params,
                    "batch_stats": self.state.batch_stats,
                },
            )
        self._save()

    def _save(self) -> None:
        self._tick()
        checkpoint.save_last(
            self.run_dir,
            {
                "config_hash": self.config.fingerprint(),
                "progress": self.progress._asdict(),
                "state": self.state,
            },
        )
        self._saved_at = time.monotonic()

    def _tick(self) -> None:
        """Add the time since the last call to the run's seconds."""
        now = time.monotonic()
        self.progress = self.progress._replace(seconds=self.progress.seconds + now - self._mark)
        self._mark = now


def _programs(config: RunConfig) -> Programs:
    return programs(
        program_key(settled(config)), config.runtime.eval_batch_size or 2 * config.data.batch_size
    )


def _to_device(
    task: PreparedTask, split: SplitName, limit: int | None, max_length: int | None
) -> Batches:
    examples = take_examples(task.split(split), limit, max_length)
    return Batches(*(jax.device_put(np.asarray(part)) for part in examples))


def _means(sums: Sums) -> tuple[float, float]:
    """Return mean loss and accuracy."""
    loss, correct, predictions = (float(x) for x in sums)
    return loss / predictions, correct / predictions
