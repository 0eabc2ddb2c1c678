"""Experiments in Python: `lru_tune.tune` and `lru_tune.Experiment`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lru_tune.api.arguments import WandbMode, find_experiment, override_texts
from lru_tune.api.searching import (
    Search,
    SearchOptions,
    build_native,
    check_options,
    create_search,
    load_space,
    reopen_search,
    run_search,
)
from lru_tune.config.config_files import load_run_config
from lru_tune.config.schema import RunConfig
from lru_tune.errors import ConfigError, Interrupted
from lru_tune.files.experiment_folder import SPACE_FILE, read_experiment
from lru_tune.files.run_directory import CONFIG_FILE
from lru_tune.search.status import State, search_status
from lru_tune.space.space import SearchSpace

if TYPE_CHECKING:
    import pandas as pd

    from lru_tune.training.trained.predictor import Predictor


class Experiment:
    """An experiment on disk. Everything is read anew at each access, also while the search runs.

    Args:
      place: its folder, its name under the runs root, or `last` for the newest one.
      runs_root: None for `$LRU_TUNE_RUNS` or `./runs`.

    Attributes:
      folder: absolute.

    Raises:
      ConfigError: there is no such experiment.
    """

    def __init__(self, place: str | Path, *, runs_root: str | Path | None = None) -> None:
        self.folder = find_experiment(place, runs_root)
        read_experiment(self.folder)

    def __repr__(self) -> str:
        return f"Experiment({str(self.folder)!r})"

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def status(self) -> State:
        """`running`, `silent` (no sign of life for a quarter of an hour), `interrupted` or `completed`."""
        return search_status(self.folder).state

    @property
    def space(self) -> SearchSpace:
        """The search space as it was run."""
        return SearchSpace.load(self.folder / SPACE_FILE)

    @property
    def trials(self) -> "pd.DataFrame":
        """One row a trial, see `lru_tune.load_runs`."""
        from lru_tune.results.reading.frame import load_runs

        return load_runs(self.folder)

    @property
    def history(self) -> "pd.DataFrame":
        """One row a report of every trial, see `lru_tune.history`."""
        from lru_tune.results.reading.frame import history

        return history(self.folder)

    @property
    def confirmations(self) -> "pd.DataFrame":
        """One row a confirmation run, see `lru_tune.confirmations`."""
        from lru_tune.results.reading.confirmations import confirmations

        return confirmations(self.folder)

    @property
    def best(self) -> RunConfig:
        """The configuration of the best trial by validation.

        Raises:
          NoTrialSucceeded: there is none yet.
        """
        return load_run_config(self.trial_folder() / CONFIG_FILE)

    def trial_folder(self, trial: str | None = None) -> Path:
        """Return the run directory of a trial.

        Args:
          trial: number, name or beginning of a name; None for the best by validation.

        Raises:
          ConfigError: there is no such trial, or it has not ended.
          NoTrialSucceeded: the best is asked for and there is none.
        """
        from lru_tune.results.writing.export import choose_trial

        return choose_trial(self.folder, trial).folder

    def load(self, trial: str | None = None) -> "Predictor":
        """Return the trained network of a trial; arguments and errors as `trial_folder`."""
        from lru_tune.training.trained.predictor import load_predictor

        return load_predictor(self.trial_folder(trial))

    def report(self) -> Path:
        """Write the tables and the reports anew, and return the path of report.html.

        Without matplotlib it is the path of report.md.
        """
        from lru_tune.api.reporting import write_reports

        return write_reports(self.folder)[-1]

    def resume(
        self,
        *,
        trials: int | None = None,
        set: Mapping[str, Any] | None = None,
        confirm: bool = True,
        gpus_per_trial: float | None = None,
        cpus_per_trial: int | None = None,
        max_concurrent: int | None = None,
        lanes: int | Literal["auto"] | None = None,
        address: str | None = None,
        wandb: WandbMode = "off",
        tensorboard: bool = False,
        data_root: str | Path | None = None,
    ) -> "Experiment":
        """Continue the search where it stopped, or extend it, and return this experiment.

        `trials` is how many trials there shall be in the end, None for as many as were planned; `set` may
        change `tune.confirm.top` and `tune.confirm.seeds`, nothing else. The other arguments, and the errors,
        are those of `tune`.
        """
        options = SearchOptions(
            gpus_per_trial=gpus_per_trial,
            cpus_per_trial=cpus_per_trial,
            max_concurrent=max_concurrent,
            lanes=lanes,
            address=address,
            confirm=confirm,
            wandb=wandb,
            tensorboard=tensorboard,
            data_root=data_root,
        )
        check_options(options)
        space = load_space(self.folder / SPACE_FILE, trials=trials, overrides=override_texts(set))
        search = reopen_search(self.folder, space, options)
        build_native(space, options)
        return _run(search, options)


def tune(
    source: str | Path | SearchSpace,
    *,
    variant: str | None = None,
    set: Mapping[str, Any] | None = None,
    trials: int | None = None,
    seed: int | None = None,
    quick: bool = False,
    synthetic: bool = False,
    name: str | None = None,
    confirm: bool = True,
    gpus_per_trial: float | None = None,
    cpus_per_trial: int | None = None,
    max_concurrent: int | None = None,
    lanes: int | Literal["auto"] | None = None,
    address: str | None = None,
    wandb: WandbMode = "off",
    tensorboard: bool = False,
    data_root: str | Path | None = None,
    runs_root: str | Path | None = None,
) -> Experiment:
    """Search hyperparameters, then train the best configurations again over fresh seeds.

    The same as `python tune.py`; progress goes to stderr. After Ctrl-C, `Experiment("last").resume()`
    continues the search.

    Args:
      source: a task's name, the path of a search space, or a `SearchSpace`, which is taken as it is.
      variant: another recurrence than the space's, a key of `VARIANTS`.
      set: changes of the space by dotted field: `{"steps": 200, "tune.confirm.seeds": 5}`.
      trials: how many configurations to try.
      seed: random seed of the searcher.
      quick: use the space's small version, minutes on two cores.
      synthetic: use the task's small synthetic twin; results say so.
      name: of the experiment's folder; None for the task and the time.
      confirm: False stops after the search.
      gpus_per_trial: a fraction shares a GPU between trials; None as the space says.
      cpus_per_trial: CPU cores of each trial.
      max_concurrent: trials that run at the same time; 1 makes a search repeatable.
      lanes: trials that train side by side in one program on one device.
      address: of a running Ray cluster, or `auto`.
      wandb: `offline` or `online` logs trials to Weights & Biases.
      tensorboard: write TensorBoard event files into the run directories.
      data_root: folder of prepared data; None for `$LRU_TUNE_DATA` or `./data`.
      runs_root: folder of experiments; None for `$LRU_TUNE_RUNS` or `./runs`.

    Raises:
      ConfigError: an argument or the space is wrong; it holds every problem found.
      DataNotPrepared: the task must be prepared first; the message holds the command.
      ResourcesMissing: the machine is too small.
      NoTrialSucceeded: every trial diverged or failed.
      Interrupted: by Ctrl-C; nothing that was reported is lost.
    """
    options = SearchOptions(
        gpus_per_trial=gpus_per_trial,
        cpus_per_trial=cpus_per_trial,
        max_concurrent=max_concurrent,
        lanes=lanes,
        address=address,
        confirm=confirm,
        wandb=wandb,
        tensorboard=tensorboard,
        data_root=data_root,
    )
    check_options(options, name)
    changes = {
        "variant": variant,
        "set": set,
        "trials": trials,
        "seed": seed,
        "quick": quick or None,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    if isinstance(source, SearchSpace):
        if given:
            raise ConfigError("api.space-with-changes", changes=", ".join(given))
        space = source
    else:
        space = load_space(
            source,
            variant=variant,
            overrides=override_texts(set),
            trials=trials,
            seed=seed,
            quick=quick,
        )
    words = [repr(source if isinstance(source, str) else space.task)]
    words += [f"{key}={value!r}" for key, value in given.items()]
    search = create_search(
        space,
        options,
        name=name,
        synthetic=synthetic,
        root=runs_root,
        command=f"lru_tune.tune({', '.join(words)})",
    )
    return _run(search, options)


def _run(search: Search, options: SearchOptions) -> Experiment:
    experiment = Experiment(search.folder)
    try:
        run_search(search, options)
    except Interrupted as error:
        error.add_note(f"in Python:  {experiment!r}.resume()")
        raise
    return experiment
