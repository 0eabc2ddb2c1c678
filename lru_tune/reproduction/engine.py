"""Runs the cells of a table: first the searches for learning rates, then the seeds."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from lru_tune.config.compile_key import lane_key
from lru_tune.config.schema import RunConfig
from lru_tune.errors import Interrupted
from lru_tune.files.folder_lock import lock_folder
from lru_tune.files.run_directory import VAL_ACCURACY
from lru_tune.reproduction.cells import CellPlan
from lru_tune.reproduction.outcome import cell_runs
from lru_tune.reproduction.rates import FIXED, choose_rate, known_rate, rate_search_runs
from lru_tune.reproduction.store import Store
from lru_tune.reproduction.workload import write_workload
from lru_tune.search.progress import Progress
from lru_tune.search.ray.cluster import ray_cluster
from lru_tune.search.ray.resources import Allocation, Machine, ResourceRequest, allocate_lanes
from lru_tune.search.ray.run_list import PlannedRun, is_done
from lru_tune.search.ray.run_trials import run_all
from lru_tune.search.ray.trainable import WorkerSettings
from lru_tune.search.strategy.schedulers import StoppingSettings
from lru_tune.space.settings import TrialResources

TRAINING = WorkerSettings.training
REDUCTION_FACTOR = 3
# Fraction of a run before a rate may be stopped: twice the warm-up, during which high rates look bad.
GRACE = 0.2


@dataclass(frozen=True)
class Options:
    """How to run a table; does not change the results.

    Attributes:
      data_root: folder of the prepared tasks.
      address: of a running Ray cluster, or `auto`; None starts one on this machine.
      requested: resources requested on the command line.
      training: name of the module with `train` and `evaluate_test`.
      wandb, tensorboard: trackers of the runs.
    """

    data_root: str
    address: str | None = None
    requested: ResourceRequest = field(default_factory=ResourceRequest)
    training: str = TRAINING
    wandb: Literal["off", "offline", "online"] = "off"
    tensorboard: bool = False


class _Batch(NamedTuple):
    """Jobs of a cell; with `terms` the weaker ones are stopped early."""

    cell: CellPlan
    planned: list[PlannedRun]
    terms: StoppingSettings | None = None


class _Share(NamedTuple):
    """Jobs that run at the same time, the resources of each, and the terms of early stopping."""

    allocation: Allocation
    planned: list[PlannedRun]
    brackets: dict[str, StoppingSettings]


def run_cells(
    cells: Sequence[CellPlan],
    seeds: int,
    store: Store,
    options: Options,
    log: Callable[[str], None],
) -> None:
    """Run the learning-rate searches and seeds of the cells that are not done yet, in parallel.

    Args:
      cells: with resolved numbers of steps.
      seeds: number of seeds of each cell.
      store: where the runs are kept.
      options: how to run them.
      log: receives a line about every choice.

    Raises:
      Interrupted: SIGINT, SIGTERM or SIGHUP; the same call continues.
      ResourcesMissing: a run does not fit on the machine.
      Occupied: another process works in this store.
    """
    store.root.mkdir(parents=True, exist_ok=True)
    try:
        with lock_folder(store.root):
            for cell, chosen in ((cell, known_rate(cell, store)) for cell in cells):
                if chosen is not None and chosen.how != FIXED:
                    file = store.recipe_file(cell.config, cell.rates)
                    log(f"{cell}: learning rate {chosen.rate:g}, found before, see {file}")
            if _all_done(cells, seeds, store):
                log("everything asked for has been run before")
                return
            write_workload(cells, seeds, store)
            with ray_cluster(options.address) as machine:
                run_on(machine, cells, seeds, store, options, log)
    except KeyboardInterrupt as error:
        raise Interrupted("reproduction.interrupted") from error


def run_on(
    machine: Machine,
    cells: Sequence[CellPlan],
    seeds: int,
    store: Store,
    options: Options,
    log: Callable[[str], None],
) -> None:
    """Do the work of `run_cells` in the Ray cluster this process is connected to.

    Raises:
      Interrupted, ResourcesMissing: as `run_cells`.
    """
    unknown = [cell for cell in cells if known_rate(cell, store) is None]
    searches = [
        _Batch(cell, rate_search_runs(cell, store), rate_terms(cell.config)) for cell in unknown
    ]
    _run("learning rates", searches, machine, store, options)
    for cell in unknown:
        choose_rate(cell, store, log)
    final = [_Batch(cell, cell_runs(cell, seeds, store).planned) for cell in cells]
    _run("seeds", final, machine, store, options)


def _all_done(cells: Iterable[CellPlan], seeds: int, store: Store) -> bool:
    found = [cell_runs(cell, seeds, store) for cell in cells]
    return all(runs.chosen and all(map(is_done, runs.planned)) for runs in found)


def rate_terms(config: RunConfig) -> StoppingSettings:
    """Return how the runs of a learning-rate search are compared; `config.steps` must be resolved."""
    steps, every = config.steps or 1, config.eval_every or 1
    return StoppingSettings(
        metric=VAL_ACCURACY,
        mode="max",
        horizon=steps,
        reports=-(-steps // every),
        grace=max(every, round(GRACE * steps)),
        reduction_factor=REDUCTION_FACTOR,
    )


def _run(
    title: str, batches: Iterable[_Batch], machine: Machine, store: Store, options: Options
) -> None:
    """Run the planned of some batches that are not done yet."""
    for allocation, planned, brackets in _shares(batches, machine, options.requested):
        waiting = [run for run in planned if not is_done(run)]
        worker = WorkerSettings(
            data_root=options.data_root,
            metric=VAL_ACCURACY,
            mode="max",
            cpus=allocation.cpus,
            gpus=allocation.gpus,
            training=options.training,
            wandb=options.wandb,
            tensorboard=options.tensorboard,
            group=store.root.name,
        )
        progress = Progress(
            title,
            total=len(waiting),
            steps=sum(run.config.steps or 0 for run in waiting),
            metric=worker.metric,
            mode=worker.mode,
            fields=("optim.learning_rate", "seed"),
        )
        run_all(
            planned,
            allocation=allocation,
            worker=worker,
            experiment=store.root,
            brackets=brackets,
            callbacks=[progress],
        )


def _shares(
    batches: Iterable[_Batch], machine: Machine, requested: ResourceRequest
) -> Iterator[_Share]:
    """Yield the groups of batches that run at the same time: those that get the same resources.

    With lanes, a group has cells of one shape only: the number of lanes is measured on one run for all.
    """
    alike: defaultdict[tuple[TrialResources, RunConfig], list[_Batch]] = defaultdict(list)
    for batch in batches:
        if not all(map(is_done, batch.planned)):
            alike[batch.cell.resources, lane_key(batch.cell.config)].append(batch)
    together: defaultdict[tuple[Allocation, RunConfig | None], list[_Batch]] = defaultdict(list)
    for (resources, kind), same in alike.items():
        worth = sum(not is_done(run) for run in _once(same))
        allocation = allocate_lanes(machine, resources, requested, worth=worth)
        together[allocation, kind if allocation.servers else None] += same
    for (allocation, _), same in together.items():
        brackets = {batch.planned[0].bracket: batch.terms for batch in same if batch.terms}
        yield _Share(allocation, _once(same), brackets)


def _once(batches: Iterable[_Batch]) -> list[PlannedRun]:
    """Return the planned of batches without repetitions: equal cells share their runs."""
    return list({run.run_dir: run for batch in batches for run in batch.planned}.values())
