"""Running the cells of a table: first the races for learning rates, then the seeds that count."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from lru_tune.config.compile_key import lane_key
from lru_tune.config.schema import RunConfig
from lru_tune.errors import Interrupted
from lru_tune.files.folder_lock import sole_process
from lru_tune.files.run_directory import VAL_ACCURACY
from lru_tune.reproduction.agenda import write_agenda
from lru_tune.reproduction.cells import CellPlan
from lru_tune.reproduction.outcome import cell_runs
from lru_tune.reproduction.rates import FIXED, known_rate, race_jobs, settle
from lru_tune.reproduction.store import Store
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
# Of a run: the warm-up twice over. Before that the highest rates look worse than they are.
GRACE = 0.2


@dataclass(frozen=True)
class Options:
    """How a table is run; none of it changes what is found.

    Attributes:
      data_root: folder of the prepared tasks.
      address: of a running Ray cluster, or `auto`; None: one of its own.
      wishes: resources asked for on the command line.
      training: module with `train` and `evaluate_test`.
      wandb, tensorboard: trackers of the runs.
    """

    data_root: str
    address: str | None = None
    wishes: ResourceRequest = field(default_factory=ResourceRequest)
    training: str = TRAINING
    wandb: Literal["off", "offline", "online"] = "off"
    tensorboard: bool = False


class _Batch(NamedTuple):
    """Jobs of a cell, and the terms of their race if they race."""

    cell: CellPlan
    jobs: list[PlannedRun]
    terms: StoppingSettings | None = None


class _Share(NamedTuple):
    """Jobs that run at the same time, the terms of their races, and what each job gets."""

    allocation: Allocation
    jobs: list[PlannedRun]
    races: dict[str, StoppingSettings]


def run_cells(
    cells: Sequence[CellPlan],
    seeds: int,
    store: Store,
    options: Options,
    say: Callable[[str], None],
) -> None:
    """Run what is not done yet of the cells' races and seeds, in parallel.

    Args:
      cells: with configurations of resolved length.
      seeds: runs of each cell that count.
      store: where they lie.
      options: how they are run.
      say: told of every choice.

    Raises:
      Interrupted: SIGINT, SIGTERM or SIGHUP; the same call goes on.
      ResourcesMissing: a run does not fit on the machine.
      Occupied: another process works in this store.
    """
    store.root.mkdir(parents=True, exist_ok=True)
    try:
        with sole_process(store.root):
            for cell, chosen in ((cell, known_rate(cell, store)) for cell in cells):
                if chosen is not None and chosen.how != FIXED:
                    file = store.recipe_file(cell.config, cell.rates)
                    say(f"{cell}: learning rate {chosen.rate:g}, found before, see {file}")
            if _all_done(cells, seeds, store):
                say("everything asked for has been run before")
                return
            write_agenda(cells, seeds, store)
            with ray_cluster(options.address) as machine:
                run_on(machine, cells, seeds, store, options, say)
    except KeyboardInterrupt as error:
        raise Interrupted("interrupted") from error


def run_on(
    machine: Machine,
    cells: Sequence[CellPlan],
    seeds: int,
    store: Store,
    options: Options,
    say: Callable[[str], None],
) -> None:
    """Do the work of `run_cells` in the Ray cluster this process is connected to.

    Raises:
      Interrupted, ResourcesMissing: as `run_cells`.
    """
    open_races = [cell for cell in cells if known_rate(cell, store) is None]
    races = [_Batch(cell, race_jobs(cell, store), race_terms(cell.config)) for cell in open_races]
    _run("learning rates", races, machine, store, options)
    for cell in open_races:
        settle(cell, store, say)
    final = [_Batch(cell, cell_runs(cell, seeds, store).jobs) for cell in cells]
    _run("seeds", final, machine, store, options)


def _all_done(cells: Iterable[CellPlan], seeds: int, store: Store) -> bool:
    found = [cell_runs(cell, seeds, store) for cell in cells]
    return all(runs.chosen and all(map(is_done, runs.jobs)) for runs in found)


def race_terms(config: RunConfig) -> StoppingSettings:
    """Return how the runs of a race are compared, for a configuration of resolved length."""
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
    """Run what is not done yet of some batches."""
    for allocation, jobs, races in _shares(batches, machine, options.wishes):
        waiting = [job for job in jobs if not is_done(job)]
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
            steps=sum(job.config.steps or 0 for job in waiting),
            metric=worker.metric,
            mode=worker.mode,
            fields=("optim.learning_rate", "seed"),
        )
        run_all(
            jobs,
            allocation=allocation,
            worker=worker,
            experiment=store.root,
            brackets=races,
            callbacks=[progress],
        )


def _shares(
    batches: Iterable[_Batch], machine: Machine, wishes: ResourceRequest
) -> Iterator[_Share]:
    """Yield what runs at the same time, one share after the other: batches that get the same resources.

    Where lanes are made, only cells of one shape: how many fit is measured on one run for all.
    """
    alike: defaultdict[tuple[TrialResources, RunConfig], list[_Batch]] = defaultdict(list)
    for batch in batches:
        if not all(map(is_done, batch.jobs)):
            alike[batch.cell.resources, lane_key(batch.cell.config)].append(batch)
    together: defaultdict[tuple[Allocation, RunConfig | None], list[_Batch]] = defaultdict(list)
    for (resources, kind), same in alike.items():
        worth = sum(not is_done(job) for job in _once(same))
        allocation = allocate_lanes(machine, resources, wishes, worth=worth)
        together[allocation, kind if allocation.servers else None] += same
    for (allocation, _), same in together.items():
        races = {batch.jobs[0].bracket: batch.terms for batch in same if batch.terms}
        yield _Share(allocation, _once(same), races)


def _once(batches: Iterable[_Batch]) -> list[PlannedRun]:
    """Return the jobs of batches; cells may agree in everything, and their runs are made once."""
    return list({job.run_dir: job for batch in batches for job in batch.jobs}.values())
