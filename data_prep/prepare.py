"""Preparing tasks: which origin, where to, and what is there already."""

import logging
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from data_prep import copy
from data_prep.aan import aan
from data_prep.cifar import cifar
from data_prep.imdb import imdb
from data_prep.listops import listops
from data_prep.mnist import mnist
from data_prep.pathfinder import pathfinder
from data_prep.pipeline.origin import Counts, Origin, Progress, Protocol, Recipe, Request, silent
from data_prep.pipeline.overwrite import demand_leave, shortages
from data_prep.pipeline.progress import ProgressLines
from lru_tune.data.disk import naming_a_full_disk
from lru_tune.data.manifest import SPLITS, Manifest, tasks_folder
from lru_tune.data.store import PreparedTask, SplitName, open_task
from lru_tune.data.verify import damaged_files
from lru_tune.data.versions import clear_leftovers, task_lock
from lru_tune.data.writer import write_task
from lru_tune.errors import ConfigError, DataDamaged, DataNotPrepared, did_you_mean
from lru_tune.files.paths import raw_root
from lru_tune.tasks import Channels, Task, find_task

logger = logging.getLogger(__name__)

ORIGINS: dict[str, Origin] = {
    "aan": aan.ORIGIN,
    "cifar": cifar.ORIGIN,
    "copy": copy.ORIGIN,
    "imdb": imdb.ORIGIN,
    "listops": listops.ORIGIN,
    "mnist": mnist.ORIGIN,
    "pathfinder": pathfinder.ORIGIN,
}

Reads = Mapping[str, int]

SEED = 42
DOWNLOADS = "raw"  # folder of a data root
SMALLEST_LIMIT = 10  # leaves one example for each split that is carved


def ensure_prepared(
    task: str,
    root: Path,
    *,
    synthetic: bool = False,
    reads: Reads | None = None,
    log: Callable[[str], None] = logger.info,
) -> PreparedTask:
    """Open a task; prepare it first where that needs no download.

    That is so for generated tasks, for synthetic twins, and where `$LRU_TUNE_RAW` holds the files. Of a
    task whose examples take long to generate only those that will be read are made; where too few lie
    there, more are.

    Args:
      task: name or alias.
      root: the data root.
      synthetic: the tiny twin under `root/synthetic` instead of the data set.
      reads: how many examples of each split will be read; all of those left out.
      log: told what is done, line by line.

    Raises:
      DataNotPrepared: a download would be needed; the message holds the command to type.
      DataDamaged: what is there is not sound.
    """
    entry = find_task(task)
    place = tasks_folder(root.resolve(), synthetic=synthetic)
    seed, options, limit = SEED, {}, None
    try:
        prepared = open_task(entry.name, place)
    except DataNotPrepared:
        offline = synthetic or entry.generated or _raw_files(entry, None) is not None
        if not offline:
            raise
        limit = None if synthetic else _limit(entry, reads or {})
    else:
        limit = _limit(entry, reads or {})
        if not _is_too_small(entry, root, prepared.manifest, limit):
            return prepared
        seed = prepared.manifest.seed
        known = ORIGINS[entry.origin].options
        options = {name: prepared.manifest.parameters[name] for name in known}
    log(f"preparing {entry.name} in {place}")
    return prepare(
        entry.name,
        root,
        limit=limit,
        seed=seed,
        options=options,
        workers=default_workers(),
        synthetic=synthetic,
        progress=ProgressLines(log),
        log=log,
    )


def expected_counts(
    task: str, root: Path, *, synthetic: bool = False, reads: Reads | None = None
) -> dict[SplitName, int]:
    """Return the examples per split that `ensure_prepared` would give; writes nothing.

    Raises:
      DataNotPrepared: it would raise that as well.
    """
    entry = find_task(task)
    limit = None if synthetic else _limit(entry, reads or {})
    raw = None
    try:
        manifest = open_task(entry.name, tasks_folder(root.resolve(), synthetic=synthetic)).manifest
        if not _is_too_small(entry, root, manifest, limit):
            return manifest.counts
    except DataNotPrepared:
        raw = None if synthetic else _raw_files(entry, None)
        if not (synthetic or entry.generated or raw is not None):
            raise
    return dict(_recipe(entry, root, raw=raw, limit=limit, synthetic=synthetic).counts)


def full_counts(task: str) -> Counts:
    """Return the examples per split of a whole data set."""
    return ORIGINS[find_task(task).origin].full


def changed_options(manifest: Manifest) -> dict[str, int]:
    """Return the options that a task was generated with and that are not its own, by name."""
    task = find_task(manifest.task)
    named = [name for name in ORIGINS[task.origin].options if name in manifest.parameters]
    if not named:
        return {}
    own = _recipe(task, Path()).provenance.parameters
    given = manifest.parameters
    return {name: given[name] for name in named if given[name] != own[name]}


def room_needed(task: str, root: Path) -> int:
    """Return the bytes that all arrays of a task take when it is prepared whole; writes nothing.

    Raises:
      DataNotPrepared: the publisher's files are not there and cannot be fetched.
      DataDamaged: they are there and not what they should be.
    """
    entry = find_task(task)
    return _bytes(entry, _recipe(entry, root, raw=_raw_files(entry, None)).counts)


def default_workers() -> int:
    """Return the number of CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _limit(task: Task, reads: Reads) -> int | None:
    """Return how many training examples give all that will be read; None for the whole set."""
    if not ORIGINS[task.origin].slow or len(reads) < len(SPLITS):
        return None
    full = ORIGINS[task.origin].full
    # The other splits shrink in proportion, so the split read to the largest share decides.
    needed = max(-(-reads[split] * full["train"] // full[split]) for split in SPLITS)
    return max(needed, SMALLEST_LIMIT) if needed < full["train"] else None


def _is_too_small(task: Task, root: Path, manifest: Manifest, limit: int | None) -> bool:
    """Return whether generating examples would give more of what lies there than lies there."""
    if not ORIGINS[task.origin].slow or manifest.synthetic:
        return False
    recipe = _recipe(task, root, limit=limit)
    fewer = any(manifest.counts[split] < count for split, count in recipe.counts.items())
    return fewer and manifest.source == recipe.provenance.source


def _recipe(
    task: Task,
    root: Path,
    *,
    raw: Path | None = None,
    limit: int | None = None,
    synthetic: bool = False,
) -> Recipe:
    request = Request(
        task=task,
        raw=raw,
        downloads=root.resolve() / DOWNLOADS,
        limit=limit,
        seed=SEED,
        workers=1,
        synthetic=synthetic,
        progress=silent,
    )
    return ORIGINS[task.origin].plan(request)


def prepare(
    task: str,
    root: Path,
    *,
    from_dir: Path | None = None,
    limit: int | None = None,
    seed: int = SEED,
    workers: int = 1,
    synthetic: bool = False,
    allow_checksum_mismatch: bool = False,
    protocol: Protocol = "default",
    options: Mapping[str, int] | None = None,
    replace: bool = False,
    progress: Progress = silent,
    log: Callable[[str], None] = logger.info,
) -> PreparedTask:
    """Prepare a task, unless sound arrays made from the same things lie there already.

    Other sound arrays are replaced by more of the same only, unless `replace` says so. Where another
    process is preparing the task, wait for that one and take what it made.

    Args:
      task: name or alias.
      root: the data root.
      from_dir: folder with the publisher's files; without it they are looked for in `$LRU_TUNE_RAW`
        and then fetched, or the task is generated.
      limit: training examples at most, before validation is carved; other splits shrink alike.
      seed: of generation, or of carving validation from train.
      workers: processes that generate; the arrays do not depend on it.
      synthetic: the tiny twin instead, under `root/synthetic`.
      allow_checksum_mismatch: take files whose checksum is not the publisher's; the manifest says so.
      protocol: how validation is made, see `Request`.
      options: of the task's generator, see `Origin.options`.
      replace: delete sound arrays that lie there, whatever they are.
      progress: told how far the work is.
      log: told what is done, line by line.

    Raises:
      ConfigError: an argument makes no sense, or other arrays lie there.
      DataNotPrepared: the publisher's files are not there and cannot be fetched.
      DataDamaged: the publisher's files are not what they should be.
      ResourcesMissing: the disk is full.
    """
    entry = find_task(task)
    origin = ORIGINS[entry.origin]
    place = tasks_folder(root.resolve(), synthetic=synthetic)
    _check_arguments(place, limit, seed, workers)
    _check_choices(entry, origin, protocol, options or {})
    request = Request(
        task=entry,
        raw=None if synthetic else _raw_files(entry, from_dir),
        downloads=root.resolve() / DOWNLOADS,
        limit=limit,
        seed=seed,
        workers=workers,
        synthetic=synthetic,
        progress=progress,
        allow_checksum_mismatch=allow_checksum_mismatch,
        protocol=protocol,
        options=options or {},
    )
    clear_leftovers(place)
    with task_lock(place, entry.name, log):
        recipe = origin.plan(request)
        there = _sound(entry.name, place)
        if there is not None and there.manifest.provenance == recipe.provenance:
            log(f"{entry.name} is prepared already")
        else:
            if there is not None and not replace:
                demand_leave(there, recipe)
            needed = _bytes(entry, recipe.counts)
            with write_task(entry.name, place, recipe.provenance, expected_bytes=needed) as writer:
                origin.write(request, recipe, writer)
    prepared = open_task(entry.name, place)
    if request.raw is not None:
        expected = origin.full if limit is None else recipe.counts
        for line in shortages(prepared, expected):
            log(line)
    return prepared


def export_tsv(
    prepared: PreparedTask,
    folder: Path,
    *,
    progress: Progress = silent,
) -> None:
    """Write a prepared task in its publisher's text format.

    Raises:
      ConfigError: the task has none.
    """
    name = prepared.manifest.task
    export = ORIGINS[find_task(name).origin].export
    if export is None:
        raise ConfigError(f"--export-tsv: {name} has no published text format; listops has")
    export(prepared, folder, progress)


def _check_arguments(place: Path, limit: int | None, seed: int, workers: int) -> None:
    if limit is not None and limit < SMALLEST_LIMIT:
        raise ConfigError(f"--limit must be at least {SMALLEST_LIMIT}, got {limit}")
    if seed < 0:
        raise ConfigError(f"--seed must be at least 0, got {seed}")
    if workers < 1:
        raise ConfigError(f"--workers must be at least 1, got {workers}")
    try:
        with naming_a_full_disk(place, "nothing was written"):
            place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--data-root: {place} cannot be made a folder: {error}") from error
    if not os.access(place, os.W_OK):
        raise ConfigError(f"--data-root: {place} is not writable; name another folder")


def _check_choices(
    task: Task, origin: Origin, protocol: Protocol, options: Mapping[str, int]
) -> None:
    if protocol not in origin.protocols:
        raise ConfigError(
            f"--protocol {protocol} is not for {task.name}, whose validation is always its own; leave it out"
        )
    for name in options:
        if name not in origin.options:
            known = did_you_mean(name, origin.options) or " It has none."
            raise ConfigError(f"--option: {task.name} has no option {name!r}.{known}")


def _raw_files(task: Task, from_dir: Path | None) -> Path | None:
    """Return the folder of the publisher's files, or None where they are to be made or fetched.

    Looks in the named folder; for tasks that are not generated, else in `$LRU_TUNE_RAW`.
    """
    origin = ORIGINS[task.origin]
    if from_dir is not None:
        found = origin.find_raw(from_dir.resolve())
        if found is None:
            raise DataNotPrepared(f"{from_dir} does not hold the files. Wanted: {origin.wanted}")
        return found
    default = raw_root()
    if default is None or task.generated:
        return None
    if not (default.is_dir() and os.access(default, os.R_OK | os.X_OK)):
        raise DataNotPrepared(
            f"LRU_TUNE_RAW: {default} is no folder that can be read. Name another one, or none:  "
            "export LRU_TUNE_RAW=FOLDER"
        )
    return origin.find_raw(default)


def _sound(task: str, place: Path) -> PreparedTask | None:
    """Return what lies there, None where that is nothing or damaged."""
    try:
        prepared = open_task(task, place)
    except (DataNotPrepared, DataDamaged) as error:
        logger.debug("%s", error)
        return None
    return None if damaged_files(prepared) else prepared


def _bytes(task: Task, counts: Counts) -> int:
    """Return the room all arrays will take, at one byte a number."""
    width = task.inputs.width if isinstance(task.inputs, Channels) else 1
    sequences = math.prod(task.documents)
    numbers = sequences * task.max_length * width + task.scored_steps * task.num_outputs
    return sum(counts.values()) * numbers
