"""The origin of each task's examples, and where the publisher's files are."""

import dataclasses
import os

from data_prep import copy
from data_prep.aan import origin as aan
from data_prep.cifar import origin as cifar
from data_prep.imdb import origin as imdb
from data_prep.listops import origin as listops
from data_prep.mnist import origin as mnist
from data_prep.pathfinder import origin as pathfinder
from data_prep.pipeline.recipe import Origin, Recipe, Request
from lru_tune.errors import DataNotPrepared
from lru_tune.files.paths import raw_root
from lru_tune.tasks import Task

# The keys are the values of `Task.origin`.
ORIGINS: dict[str, Origin] = {
    "aan": aan.ORIGIN,
    "cifar": cifar.ORIGIN,
    "copy": copy.ORIGIN,
    "imdb": imdb.ORIGIN,
    "listops": listops.ORIGIN,
    "mnist": mnist.ORIGIN,
    "pathfinder": pathfinder.ORIGIN,
}


def origin_of(task: Task) -> Origin:
    """Return the origin of a task's examples."""
    return ORIGINS[task.origin]


def plan(request: Request) -> Recipe:
    """Return what the task's origin would write for a request; see `Origin.plan`."""
    return origin_of(request.task).plan(request)


def locate_files(request: Request) -> Request:
    """Return the request with `raw` set to where the publisher's files are, if anywhere.

    Looks in `from_dir`; without it, for tasks that are not generated, in `$LRU_TUNE_RAW`.

    Raises:
      DataNotPrepared: `from_dir` lacks the files, or `$LRU_TUNE_RAW` is not a readable folder.
    """
    task, origin, from_dir = request.task, origin_of(request.task), request.from_dir
    if request.synthetic:
        return request
    if from_dir is not None:
        raw = origin.find_raw(from_dir.resolve())
        if raw is None:
            raise DataNotPrepared("prep.files-not-found", folder=from_dir, wanted=origin.wanted)
        return dataclasses.replace(request, raw=raw)
    default = raw_root()
    if default is None or task.generated:
        return request
    if not (default.is_dir() and os.access(default, os.R_OK | os.X_OK)):
        raise DataNotPrepared(
            "prep.raw-root-unreadable", folder=default, command="export LRU_TUNE_RAW=FOLDER"
        )
    return dataclasses.replace(request, raw=origin.find_raw(default))
