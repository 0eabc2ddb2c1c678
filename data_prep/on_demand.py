"""Preparing a task when a search or a training needs it, as far as that needs no download."""

import dataclasses
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from data_prep.origins import locate_files, origin_of, plan
from data_prep.pipeline.progress import ProgressLines
from data_prep.pipeline.recipe import SMALLEST_LIMIT, Counts, Request, array_bytes
from data_prep.pipeline.workers import default_workers
from data_prep.prepare import prepare
from lru_tune.data.manifest import SPLITS, Manifest
from lru_tune.data.store import PreparedTask, SplitName, open_task
from lru_tune.errors import DataNotPrepared
from lru_tune.tasks import Task, find_task

logger = logging.getLogger(__name__)

Reads = Mapping[str, int]
"""How many examples of each split will be read; a split that is left out is read whole."""


def ensure_prepared(
    task: str,
    root: Path,
    *,
    synthetic: bool = False,
    reads: Reads | None = None,
    log: Callable[[str], None] = logger.info,
) -> PreparedTask:
    """Open a task; prepare it first if that needs no download.

    Generated tasks and synthetic twins need none, and other tasks need none if `$LRU_TUNE_RAW` holds
    the publisher's files. Of a task whose examples take long to generate, only those that will be read
    are generated; if there are fewer, more are added.

    Args:
      task: name or alias.
      root: the data root.
      synthetic: use the tiny synthetic twin under `root/synthetic` instead of the data set.
      reads: how many examples will be read.
      log: receives lines about what is done.

    Raises:
      DataNotPrepared: a download is needed; the message holds the command to type.
      DataDamaged: the arrays on disk are damaged.
    """
    found = _open_or_request(task, root, synthetic, reads)
    if isinstance(found, PreparedTask):
        return found
    log(f"preparing {found.task.name} in {found.folder}")
    # A twin is made faster than a second process starts.
    workers = 1 if synthetic else default_workers()
    request = dataclasses.replace(found, workers=workers, progress=ProgressLines(log))
    return prepare(request, log)


def expected_counts(
    task: str, root: Path, *, synthetic: bool = False, reads: Reads | None = None
) -> dict[SplitName, int]:
    """Return the examples per split that `ensure_prepared` would return; writes nothing.

    Raises:
      DataNotPrepared: `ensure_prepared` would raise it too.
    """
    found = _open_or_request(task, root, synthetic, reads)
    counts = found.manifest.counts if isinstance(found, PreparedTask) else plan(found).counts
    return dict(counts)


def full_counts(task: str) -> Counts:
    """Return the examples per split of a whole data set."""
    return origin_of(find_task(task)).full


def changed_options(manifest: Manifest) -> dict[str, int]:
    """Return the options of the generator that differ from the task's defaults, by name."""
    task, given = find_task(manifest.task), manifest.parameters
    names = [name for name in origin_of(task).options if name in given]
    if not names:
        return {}
    default = plan(Request(task.name, Path())).provenance.parameters
    return {name: given[name] for name in names if given[name] != default[name]}


def room_needed(task: str, root: Path) -> int:
    """Return the size in bytes of all arrays of a whole data set; writes nothing.

    Raises:
      DataNotPrepared: the publisher's files are missing and cannot be downloaded.
      DataDamaged: the publisher's files are not what they should be.
    """
    request = locate_files(Request(task, root))
    return array_bytes(request.task, plan(request).counts)


def _open_or_request(
    name: str, root: Path, synthetic: bool, reads: Reads | None
) -> PreparedTask | Request:
    """Return the prepared task, or the request that prepares what is missing without a download."""
    task = find_task(name)
    limit = None if synthetic else _limit(task, reads or {})
    request = Request(task.name, root, limit=limit, synthetic=synthetic)
    try:
        prepared = open_task(task.name, request.folder)
    except DataNotPrepared:
        request = locate_files(request)
        if synthetic or task.generated or request.raw is not None:
            return request
        raise
    if not _is_too_small(prepared.manifest, request):
        return prepared
    manifest = prepared.manifest
    options = {option: manifest.parameters[option] for option in origin_of(task).options}
    return dataclasses.replace(request, seed=manifest.seed, options=options)


def _limit(task: Task, reads: Reads) -> int | None:
    """Return how many training examples to generate for `reads`; None for all."""
    origin = origin_of(task)
    if not origin.slow or len(reads) < len(SPLITS):
        return None
    # The other splits shrink in proportion, so the split of which the largest share is read decides.
    full = origin.full
    needed = max(-(-reads[split] * full["train"] // full[split]) for split in SPLITS)
    return max(needed, SMALLEST_LIMIT) if needed < full["train"] else None


def _is_too_small(manifest: Manifest, request: Request) -> bool:
    """Return whether the request would generate more of the examples that exist."""
    if not origin_of(request.task).slow or manifest.synthetic:
        return False
    recipe = plan(request)
    fewer = any(manifest.counts[split] < count for split, count in recipe.counts.items())
    return fewer and manifest.source == recipe.provenance.source
