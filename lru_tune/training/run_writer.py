"""Writes the run directory of a run: reports, checkpoints and result.json."""

import logging
import math
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from lru_tune.config.config_files import dump_run_config
from lru_tune.config.schema import RunConfig
from lru_tune.data.store import Manifest, PreparedTask
from lru_tune.errors import ConfigError, Diverged
from lru_tune.files import run_directory as runs
from lru_tune.files.atomic import write_atomically
from lru_tune.files.run_directory import Report
from lru_tune.system.provenance import cpu_threads, device_name, versions
from lru_tune.training import checkpoint
from lru_tune.training.checkpoint import Progress
from lru_tune.training.clock import Clock
from lru_tune.training.hyperparameters import hyperparameters
from lru_tune.training.optimizer import learning_rate
from lru_tune.training.programs.compiled import Programs
from lru_tune.training.programs.resolve_auto import resolve_auto
from lru_tune.training.state import Sums, TrainState

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 300.0  # a killed run loses at most about this much
PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy")  # whose versions a result depends on


class RunWriter:
    """Writes one run directory, for a run that is trained alone or in a lane.

    Attributes:
      config: with `steps` and `eval_every` resolved.
      length: of the run.
      steps_per_epoch: batches of a pass over the training split; a rest smaller than a batch is left out.
      hyper: the run's traced hyperparameters.
      run_dir: the run directory.
      clock: what the run's seconds are spent on.
      step: optimiser steps done, for result.json; whoever trains the run sets it.
    """

    def __init__(self, config: RunConfig, task: PreparedTask, run_dir: Path) -> None:
        """Resolve a configuration; nothing is written yet.

        Raises:
          ConfigError: the configuration does not fit the data, or what it names does not run here.
          ResourcesMissing: likewise, such as a compiler.
        """
        examples = task.manifest.counts["train"]
        self.length = config.length(examples)
        self.config = config.with_length(examples)
        self.steps_per_epoch = config.steps_per_epoch(examples)
        self._runtime = resolve_auto(self.config).runtime
        logger.info("%s: block %s, scan %s", run_dir.name, self._runtime.block, self._runtime.scan)
        self.hyper = hyperparameters(self.config)
        self.run_dir = run_dir
        self.clock = Clock()
        self.step = 0
        self._manifest: Manifest = task.manifest
        self._rows: list[dict[str, Any]] = []
        self._progress = Progress()

    def restore(self, programs: Programs) -> TrainState:
        """Return the state of the newest checkpoint, or that of step 0; write config.yaml.

        Raises:
          ConfigError: the directory belongs to another configuration.
          CheckpointDamaged: none of its checkpoints can be read.
        """
        saved = checkpoint.load_newest(self.run_dir)
        if saved is not None and saved["config_hash"] != self.config.fingerprint():
            raise ConfigError("training.other-configuration", run_dir=self.run_dir)
        write_atomically(self.run_dir / runs.CONFIG_FILE, dump_run_config(self.config))
        if saved is None:
            state: TrainState = programs.init(self.hyper)
        else:
            shapes = jax.eval_shape(programs.init, self.hyper)
            state = jax.tree.map(jnp.asarray, checkpoint.unpack_state(shapes, saved["state"]))
            self._progress = Progress(**saved["progress"])
            self.clock = Clock(saved.get("clock"))  # old checkpoints have none
            self._rows = runs.read_metrics(self.run_dir)[: self._progress.reports]
            if not self._is_completed:
                (self.run_dir / runs.RESULT_FILE).unlink(missing_ok=True)
            logger.info("%s: continuing at step %d", self.run_dir.name, int(state.step))
        self.step = int(state.step)
        self._parameters = sum(leaf.size for leaf in jax.tree.leaves(state.params))
        self._saved_at = self._counted_at = time.monotonic()
        self._reported = self.step, self._progress.seconds
        return state

    def next_report(self, step: int) -> int:
        """Return the step of the first report after `step`."""
        every = self.length.eval_every
        return min((step // every + 1) * every, self.length.steps)

    def report(self, state: TrainState, validation: Sums) -> Report:
        """Write a report, the best parameters if these are, and the checkpoint, in this order.

        Args:
          state: at a report's step, with the totals since the last one; the checkpoint has them at zero.
          validation: totals over the validation split.

        Raises:
          Diverged: the validation loss is not finite; nothing is written.
        """
        step = int(state.step)
        val_loss, val_accuracy = validation.means()
        if not math.isfinite(val_loss):
            raise Diverged(step, "validation loss")
        train_loss, train_accuracy = state.sums.means()
        self._count_seconds()
        before, seconds_before = self._reported
        examples = (step - before) * self.config.data.batch_size
        metrics = {
            runs.STEP: step,
            runs.EPOCH: step / self.steps_per_epoch,
            runs.TRAIN_LOSS: train_loss,
            runs.TRAIN_ACCURACY: train_accuracy,
            runs.VAL_LOSS: val_loss,
            runs.VAL_ACCURACY: val_accuracy,
            runs.LEARNING_RATE: float(learning_rate(jnp.int32(step - 1), self.hyper)),
            runs.SECONDS: self._progress.seconds,
            runs.EXAMPLES_PER_SECOND: examples / (self._progress.seconds - seconds_before),
        }
        self._rows.append(metrics)
        runs.write_metrics(self.run_dir, self._rows)
        self._progress = self._progress._replace(reports=len(self._rows))
        if self._progress.best_step == 0 or val_accuracy > self._progress.best_value:
            self._progress = self._progress._replace(best_step=step, best_value=val_accuracy)
            checkpoint.write_checkpoint(
                self.run_dir / runs.CHECKPOINT_FOLDER / checkpoint.BEST,
                {"step": step, "params": state.params, "batch_stats": state.batch_stats},
            )
        self.save(state._replace(sums=Sums.zero()))
        self._reported = step, self._progress.seconds
        return Report(step, metrics, last=step == self.length.steps)

    def checkpoint_is_due(self) -> bool:
        """Return whether the last checkpoint is older than CHECKPOINT_SECONDS."""
        return time.monotonic() - self._saved_at > CHECKPOINT_SECONDS

    def save(self, state: TrainState) -> None:
        """Write the last checkpoint."""
        self._count_seconds()
        checkpoint.save_last(
            self.run_dir,
            {
                "config_hash": self.config.fingerprint(),
                "progress": self._progress._asdict(),
                "clock": self.clock.seconds(),
                "state": checkpoint.pack_state(state),
            },
        )
        self._saved_at = time.monotonic()

    def finish(self, status: runs.Status, **fields: Any) -> None:
        """Write result.json, unless the run was completed before.

        Args:
          status: how the run ended.
          fields: more of result.json, in place of those that follow from the run.
        """
        if self._is_completed:
            return
        best = next((r for r in self._rows if r[runs.STEP] == self._progress.best_step), {})
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
            best_step=self._progress.best_step,
            **{name: best.get(name) for name in (runs.VAL_LOSS, runs.VAL_ACCURACY)},
            seconds=self._progress.seconds,
            **{runs.DEVICE_SECONDS: self._progress.seconds} | self.clock.seconds() | fields,
            parameters=self._parameters,
            device=device_name(),
            block=self._runtime.block,
            scan=self._runtime.scan,
            threads=cpu_threads(),
            versions=versions(PACKAGES),
            data={
                "task": self._manifest.task,
                "fingerprint": self._manifest.fingerprint,
                "chance": self._manifest.chance,
                "synthetic": self._manifest.synthetic,
                "protocol": self._manifest.protocol,
            },
        )

    @property
    def _is_completed(self) -> bool:
        return (runs.read_result(self.run_dir) or {}).get("status") == "completed"

    def _count_seconds(self) -> None:
        """Add the time since the last call to the run's seconds."""
        now = time.monotonic()
        seconds = self._progress.seconds + now - self._counted_at
        self._progress, self._counted_at = self._progress._replace(seconds=seconds), now
