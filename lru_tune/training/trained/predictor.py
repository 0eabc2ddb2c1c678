"""A trained network as a function of arrays, on whole sequences or step by step."""

from functools import partial
from pathlib import Path
from typing import Any, cast

import jax
import numpy as np
from jax import Array
from numpy.typing import ArrayLike, NDArray

from lru_tune.config.config_files import load_run_config
from lru_tune.config.schema import DiagonalRecurrence, RunConfig
from lru_tune.errors import ConfigError
from lru_tune.files.run_directory import CHECKPOINT_FOLDER, CONFIG_FILE
from lru_tune.models.build import build_model
from lru_tune.models.streaming import build_streaming
from lru_tune.tasks import find_task
from lru_tune.training.checkpoint import BEST, read_checkpoint
from lru_tune.training.trained.inputs import as_lengths, as_sequences, as_time_step
from lru_tune.training.trained.spectra import layer_spectra

Floats = NDArray[np.float32]


class Predictor:
    """A network with its best parameters, as `lru_tune.load` returns it.

    Inputs are arrays as they are stored on disk: (B, T) token ids, (B, 2, T) of two documents, or (B, T, F)
    channels from 0 to the task's largest value; whole numbers, for channels floats as well. `lengths` are the
    valid steps of each sequence, (B,) or (B, 2); None: all steps. Each new shape is compiled once.

    Attributes:
      config: of the run.
      task: what goes in and what is predicted.
      variables: `params` and `batch_stats`, nested mappings of arrays.
    """

    def __init__(self, config: RunConfig, variables: dict[str, Any]) -> None:
        self.config = config
        self.task = find_task(config.task)
        self.variables = variables
        model = build_model(config.model, self.task)

        @jax.jit
        def logits(variables: dict[str, Any], inputs: Array, lengths: Array) -> Array:
            found = model.predict(variables, inputs, lengths)
            return found.swapaxes(0, 1) if self.task.head == "per_step" else found

        self._logits = logits

    def __repr__(self) -> str:
        return f"Predictor(task={self.task.name!r}, variant={self.config.variant!r})"

    def logits(self, x: ArrayLike, lengths: ArrayLike | None = None) -> Floats:
        """Return logits (B, C), or (B, S, O, C) for tasks that predict at the last S steps.

        A large input is computed in batches of `runtime.eval_batch_size` examples.

        Raises:
          InputError: type, shape, range or lengths are wrong.
        """
        inputs = as_sequences(x, self.task)
        valid = as_lengths(lengths, inputs, self.task)
        size = self.config.runtime.eval_batch_size or 2 * self.config.data.batch_size
        parts = []
        for start in range(0, len(inputs), size):
            batch = slice(start, start + size)
            count = len(inputs[batch])
            # The last batch is filled up, so that it needs no program of its own.
            rows = np.arange(start, start + (size if len(inputs) > size else count)) % len(inputs)
            parts.append(
                np.asarray(self._logits(self.variables, inputs[rows], valid[rows]))[:count]
            )
        return np.concatenate(parts)

    def predict(self, x: ArrayLike, lengths: ArrayLike | None = None) -> NDArray[np.int64]:
        """Return the most probable classes, (B,) or (B, S, O); arguments and errors as `logits`."""
        return self.logits(x, lengths).argmax(axis=-1)

    def predict_proba(self, x: ArrayLike, lengths: ArrayLike | None = None) -> Floats:
        """Return the probabilities of the classes, of the shape of `logits`; the last axis sums to 1."""
        found = self.logits(x, lengths)
        weights = np.exp(found - found.max(axis=-1, keepdims=True))
        return cast(Floats, weights / weights.sum(axis=-1, keepdims=True))

    @property
    def eigenvalues(self) -> list[NDArray[np.complex128]]:
        """The eigenvalues of each layer's recurrence, (N,), the first layer first.

        Raises:
          ConfigError: the recurrence is dense and has no eigenvalues among its parameters.
        """
        recurrence = self.config.model.recurrence
        if not isinstance(recurrence, DiagonalRecurrence):
            raise ConfigError("api.no-eigenvalues", variant=self.config.variant)
        spectra = layer_spectra(self.variables["params"], recurrence.eigenvalues)
        return [eigenvalues for eigenvalues, _ in spectra]

    def stream(self, batch: int = 1) -> "Stream":
        """Return a stream of `batch` sequences that are read one time step after the other.

        Raises:
          ConfigError: the network is bidirectional or matches two documents.
        """
        return Stream(self, batch)


class Stream:
    """Sequences that are read one time step at a time, each step at the same cost.

    Equal to `Predictor.logits` on the steps so far, to rounding.

    Attributes:
      steps: time steps read so far.
    """

    def __init__(self, predictor: Predictor, batch: int) -> None:
        self._task = predictor.task
        self._batch = batch
        self._streaming = build_streaming(predictor.config.model, predictor.task)
        self._step = jax.jit(partial(self._streaming.step, predictor.variables), donate_argnums=0)
        self.reset()

    def reset(self) -> None:
        """Forget all steps."""
        self._state = self._streaming.begin(self._batch)
        self.steps = 0

    def step(self, x: ArrayLike) -> Floats:
        """Read the next time step of every sequence.

        Args:
          x: (B,) token ids or (B, F) channels, as stored on disk; without B if the batch is 1.

        Returns:
          Logits (B, C) for the sequences so far, or (B, O, C) of this step for tasks that predict at every
          step.

        Raises:
          InputError: type, shape or range are wrong.
        """
        self._state, logits = self._step(self._state, as_time_step(x, self._batch, self._task))
        self.steps += 1
        return np.asarray(logits)


def load_predictor(folder: str | Path) -> Predictor:
    """Return the network of a run directory, or of what `lru-tune export --with-checkpoint` wrote.

    Args:
      folder: with config.yaml, and best.msgpack beside it or in `checkpoints/`.

    Raises:
      ConfigError: one of them is missing, or the configuration is wrong.
      CheckpointDamaged: the parameters cannot be read.
    """
    folder = Path(folder)
    config = load_run_config(folder / CONFIG_FILE)
    names = (f"{CHECKPOINT_FOLDER}/{BEST}", BEST)
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise ConfigError("api.no-parameters", folder=folder, first=names[0], second=names[1])
    content = read_checkpoint(found)
    return Predictor(config, {name: content[name] for name in ("params", "batch_stats")})
