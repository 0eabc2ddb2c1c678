"""From a search space to an experiment that has run: what `tune.py` and `lru_tune.tune` do.

Nothing here imports JAX: it would take most of a GPU's memory from the trials, which run in Ray's workers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from lru_tune.api.arguments import WandbMode, check_wandb
from lru_tune.api.console import print_message
from lru_tune.data.manifest import tasks_folder
from lru_tune.data.store import PreparedTask, open_task
from lru_tune.errors import ConfigError
from lru_tune.files.experiment_folder import SPACE_FILE, read_experiment
from lru_tune.files.paths import (
    data_root,
    new_experiment_folder,
    require_folder_name,
    require_writable_runs,
    runs_root,
    timestamped,
)
from lru_tune.ops.native.build import native_library
from lru_tune.search.ray.resources import ResourceRequest, this_machine
from lru_tune.search.record import update_record
from lru_tune.search.resume_rules import check_extension
from lru_tune.space.space import SearchSpace


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """How a search runs. None of it changes what the search space says.

    Attributes:
      gpus_per_trial: a fraction shares a GPU between trials.
      max_concurrent: trials that run at the same time; 1 makes a search repeatable.
      lanes: trials that train side by side in one program on one device.
      address: of a running Ray cluster, or `auto`; None starts one on this machine.
      confirm: whether to train the best configurations again over fresh seeds after the search.
      data_root: None for `$LRU_TUNE_DATA` or `./data`.
    """

    gpus_per_trial: float | None = None
    cpus_per_trial: int | None = None
    max_concurrent: int | None = None
    lanes: int | Literal["auto"] | None = None
    address: str | None = None
    confirm: bool = True
    wandb: WandbMode = "off"
    tensorboard: bool = False
    data_root: str | Path | None = None

    @property
    def resources(self) -> ResourceRequest:
        """The resources asked for."""
        return ResourceRequest(
            self.gpus_per_trial, self.cpus_per_trial, self.max_concurrent, self.lanes
        )

    @property
    def flags(self) -> tuple[str, ...]:
        """The same as flags of `tune.py`, for the command that resumes the search."""
        values = {
            "--gpus-per-trial": self.gpus_per_trial,
            "--cpus-per-trial": self.cpus_per_trial,
            "--max-concurrent": self.max_concurrent,
            "--lanes": self.lanes,
            "--address": self.address,
            "--wandb": None if self.wandb == "off" else self.wandb,
            "--data-root": self.data_root and data_root(self.data_root),
        }
        given = [part for flag, x in values.items() if x is not None for part in (flag, str(x))]
        given += ["--tensorboard"] * self.tensorboard + ["--no-confirm"] * (not self.confirm)
        return tuple(given)


class Search(NamedTuple):
    """An experiment that is ready to run.

    Attributes:
      space: what is searched.
      folder: of the experiment; it exists.
      task: the prepared data.
    """

    space: SearchSpace
    folder: Path
    task: PreparedTask


def load_space(
    source: str | Path,
    *,
    variant: str | None = None,
    overrides: Sequence[str] = (),
    trials: int | None = None,
    seed: int | None = None,
    quick: bool = False,
) -> SearchSpace:
    """Return a search space with changes applied, those of `trials` and `seed` (the searcher's) last.

    Raises:
      ConfigError: with every problem found.
    """
    settings = {"tune.trials": trials, "tune.searcher.seed": seed}
    given = [f"{key}={value}" for key, value in settings.items() if value is not None]
    return SearchSpace.load(
        source,
        variant=variant,
        overrides=[*overrides, *given],
        scale="quick" if quick else "full",
    )


def check_options(options: SearchOptions, name: str | None = None) -> None:
    """Raise ConfigError for options that cannot work on any machine, or a name that is no folder's."""
    check_wandb(options.wandb)
    if name is not None:
        require_folder_name(name)


def create_search(
    space: SearchSpace,
    options: SearchOptions,
    *,
    name: str | None = None,
    synthetic: bool = False,
    root: str | Path | None = None,
    command: str | None = None,
) -> Search:
    """Prepare the data and create the experiment's folder.

    Args:
      space: what is searched.
      options: how it will run.
      name: of the folder; None for the task and the time.
      synthetic: whether to search on the task's small synthetic twin.
      root: the runs root; None for `$LRU_TUNE_RUNS` or `./runs`.
      command: what experiment.json records as its origin; None for this process's command line.

    Raises:
      ConfigError, DataNotPrepared, ResourcesMissing: before anything is written under the runs root.
    """
    # Ray, Optuna and pandas take seconds to import, too long for `--help` and for a mistyped flag.
    from data_prep import ensure_prepared
    from lru_tune.search.experiment import create_experiment
    from lru_tune.search.plan import make_plan

    runs = runs_root(root)
    require_writable_runs(runs)
    build_native(space, options)
    task = ensure_prepared(
        space.task,
        data_root(options.data_root),
        synthetic=synthetic,
        reads=space.reads(),
        log=print_message,
    )
    # Refuse a plan that does not fit before anything begins. Of clusters and GPUs only Ray knows.
    if options.address is None and not options.gpus_per_trial:
        examples = task.manifest.counts["train"]
        make_plan(space, this_machine(), options.resources, train_examples=examples)
    folder = new_experiment_folder(runs, name or timestamped(space.task))
    create_experiment(space, folder, task)
    if command is not None:
        update_record(folder, command=command)
    return Search(space, folder, task)


def reopen_search(folder: Path, space: SearchSpace, options: SearchOptions) -> Search:
    """Return an experiment that is to be resumed or extended.

    Args:
      folder: of the experiment.
      space: its own, or one that differs in the number of trials or the confirmation only.
      options: how it will run.

    Raises:
      ConfigError: the folder is no experiment, or the space differs in more than that.
      DataNotPrepared, DataDamaged: the data are not where they were; `options.data_root` says where.
    """
    record = read_experiment(folder)
    check_extension(folder, SearchSpace.load(folder / SPACE_FILE), space)
    root = Path(record["data_root"])
    if options.data_root:  # the arrays have moved
        root = tasks_folder(data_root(options.data_root), synthetic=record["synthetic"])
    return Search(space, folder, open_task(space.task, root))


def run_search(search: Search, options: SearchOptions) -> None:
    """Search and confirm from wherever the experiment stands; progress and summary go to stderr.

    Raises:
      Interrupted: by Ctrl-C or a signal; the experiment can be resumed.
      NoTrialSucceeded, ResourcesMissing, Occupied, DataDamaged: as `run_experiment`.
    """
    from lru_tune.search.experiment import Options, run_experiment

    for note in filter(None, (*search.space.notes, search.task.manifest.protocol_stamp)):
        print_message(f"note: {note}")
    print_message(f"experiment {search.folder}")
    how = Options(
        address=options.address,
        resources=options.resources,
        confirm=options.confirm,
        wandb=options.wandb,
        tensorboard=options.tensorboard,
        flags=options.flags,
    )
    print_message(run_experiment(search.space, search.folder, search.task, how))


def build_native(space: SearchSpace, options: SearchOptions) -> None:
    """Build the C++ before the trials need it; in a cluster each machine builds its own.

    Raises:
      ConfigError: C++ is asked for, and the trials would run on a GPU.
    """
    if options.address is not None or not space.realise({}).runtime.names_native:
        return
    if this_machine().gpus and options.gpus_per_trial != 0:
        raise ConfigError("api.native-on-gpu")
    native_library()
