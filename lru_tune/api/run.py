"""Single runs in Python: `lru_tune.train`, `lru_tune.Run` and `lru_tune.load`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lru_tune.api.arguments import LAST, WandbMode, find_experiment, override_texts
from lru_tune.api.training import (
    TrainOptions,
    check_training,
    is_synthetic,
    load_configuration,
    new_run_folder,
    prepare_data,
    resumed_configuration,
    train_run,
)
from lru_tune.config.schema import RunConfig
from lru_tune.files import paths
from lru_tune.files.experiment_folder import EXPERIMENT_FILE
from lru_tune.files.run_directory import read_result

if TYPE_CHECKING:
    import pandas as pd

    from lru_tune.training.trained.predictor import Predictor


class Run:
    """A run directory: of `lru_tune.train`, of `lru-tune train`, or a trial's.

    Args:
      place: the folder, or its name under the runs root.
      runs_root: None for `$LRU_TUNE_RUNS` or `./runs`.

    Attributes:
      folder: absolute.

    Raises:
      ConfigError: the folder is no run directory.
    """

    def __init__(self, place: str | Path, *, runs_root: str | Path | None = None) -> None:
        self.folder = paths.named_folder(place, paths.runs_root(runs_root))
        self.config = resumed_configuration(self.folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    @property
    def result(self) -> dict[str, Any] | None:
        """The content of result.json; None while the run has not ended."""
        return read_result(self.folder)

    @property
    def metrics(self) -> "pd.DataFrame":
        """One row a report, see `lru_tune.history`."""
        from lru_tune.results.reading.frame import history

        return history(self.folder)

    def load(self) -> "Predictor":
        """Return the trained network with its best parameters by validation."""
        from lru_tune.training.trained.predictor import load_predictor

        return load_predictor(self.folder)

    def resume(
        self,
        *,
        test: bool = False,
        wandb: WandbMode = "off",
        tensorboard: bool = False,
        data_root: str | Path | None = None,
    ) -> "Run":
        """Continue the run to its end; the arguments are those of `train`."""
        options = TrainOptions(
            test=test,
            synthetic=is_synthetic(self.folder),
            wandb=wandb,
            tensorboard=tensorboard,
            data_root=data_root,
        )
        check_training(self.config, options)
        prepare_data(self.config, options)
        train_run(self.config, self.folder, options)
        return self


def train(
    source: str | Path | RunConfig,
    *,
    variant: str | None = None,
    set: Mapping[str, Any] | None = None,
    seed: int | None = None,
    test: bool = False,
    name: str | None = None,
    synthetic: bool = False,
    cpus: int | None = None,
    wandb: WandbMode = "off",
    tensorboard: bool = False,
    data_root: str | Path | None = None,
    runs_root: str | Path | None = None,
) -> Run:
    """Train one configuration in this process, without a search; reports go to stderr.

    The same as `lru-tune train`. After Ctrl-C, `Run(name).resume()` continues it.

    Args:
      source: a task's name (the base of its search space), the path of a configuration such as best.yaml,
        or a `RunConfig`.
      variant: another recurrence, a key of `VARIANTS`.
      set: changes by dotted field: `{"steps": 200, "optim.learning_rate": 1e-3}`.
      seed: random seed of initialisation, dropout and the order of examples.
      test: evaluate the best parameters on the test split at the end.
      name: of the run directory; None for the task and the time.
      synthetic: use the task's small synthetic twin.
      cpus: cores to use on a CPU; without effect once JAX has been imported.
      wandb: `offline` or `online` logs the run to Weights & Biases.
      tensorboard: write TensorBoard event files into the run directory.
      data_root: folder of prepared data; None for `$LRU_TUNE_DATA` or `./data`.
      runs_root: where the run directory is created; None for `$LRU_TUNE_RUNS` or `./runs`.

    Raises:
      ConfigError: an argument or the configuration is wrong; it holds every problem found.
      DataNotPrepared: the task must be prepared first; the message holds the command.
      Diverged: the loss or a gradient was not finite.
    """
    options = TrainOptions(
        test=test,
        synthetic=synthetic,
        cpus=cpus,
        wandb=wandb,
        tensorboard=tensorboard,
        data_root=data_root,
    )
    config = _configuration(source, variant, override_texts(set), seed)
    check_training(config, options, name=name, root=runs_root)
    prepare_data(config, options)
    folder = new_run_folder(config, name, runs_root)
    train_run(config, folder, options)
    return Run(folder)


def load(
    place: str | Path, *, trial: str | None = None, runs_root: str | Path | None = None
) -> "Predictor":
    """Return a trained network with its best parameters by validation.

    Args:
      place: an experiment (its folder, its name, its best.yaml, or `last`), of which the best trial is
        taken; a run directory; or a folder that `lru-tune export --with-checkpoint` wrote.
      trial: of an experiment, another trial: number, name or beginning of a name.
      runs_root: None for `$LRU_TUNE_RUNS` or `./runs`.

    Raises:
      ConfigError: there are no parameters.
      CheckpointDamaged: they cannot be read.
      NoTrialSucceeded: the experiment has no trial that may be chosen.
    """
    from lru_tune.training.trained.predictor import load_predictor

    folder = find_experiment(place, runs_root)
    if folder.is_file():
        folder = folder.parent
    if trial is not None or place == LAST or (folder / EXPERIMENT_FILE).is_file():
        from lru_tune.results.writing.export import choose_trial

        folder = choose_trial(folder, trial).folder
    return load_predictor(folder)


def _configuration(
    source: str | Path | RunConfig, variant: str | None, overrides: list[str], seed: int | None
) -> RunConfig:
    changes: dict[str, Any] = {"variant": variant, "overrides": overrides, "seed": seed}
    if not isinstance(source, str) or source.endswith((".yaml", ".yml")):
        return load_configuration(None, config=source, **changes)
    return load_configuration(source, **changes)
