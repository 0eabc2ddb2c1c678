"""Preparing a task: check the request, plan, and write the arrays unless they are up to date."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

from data_prep.origins import locate_files, origin_of
from data_prep.pipeline.overwrite import check_replaceable, incomplete_release
from data_prep.pipeline.progress import Progress, silent
from data_prep.pipeline.recipe import SMALLEST_LIMIT, Export, Request, array_bytes
from lru_tune.data.store import PreparedTask, open_task
from lru_tune.data.verify import damaged_files
from lru_tune.data.versions import clear_leftovers, task_lock
from lru_tune.data.writer import write_task
from lru_tune.errors import ConfigError, DataDamaged, DataNotPrepared, did_you_mean
from lru_tune.files.disk import full_disk_reported
from lru_tune.tasks import find_task

logger = logging.getLogger(__name__)


def prepare(request: Request, log: Callable[[str], None] = logger.info) -> PreparedTask:
    """Prepare a task, unless undamaged arrays of the same recipe exist already.

    Existing arrays are replaced by more of the same, or by anything if `request.replace` is set. While
    another process prepares the task, waits for it and then uses its arrays.

    Args:
      request: what to prepare.
      log: receives lines about what is done.

    Raises:
      ConfigError: an argument is invalid, or other arrays exist.
      DataNotPrepared: the publisher's files are missing and cannot be downloaded.
      DataDamaged: the publisher's files are not what they should be.
      ResourcesMissing: the disk is full.
    """
    task, origin = request.task, origin_of(request.task)
    check_request(request)
    request = locate_files(request)
    clear_leftovers(request.folder)
    with task_lock(request.folder, task.name, log):
        recipe = origin.plan(request)
        existing = _open_undamaged(task.name, request.folder)
        if existing is not None and existing.manifest.provenance == recipe.provenance:
            log(f"{task.name} is already prepared")
        else:
            if existing is not None and not request.replace:
                check_replaceable(existing, recipe)
            with write_task(
                task.name,
                request.folder,
                recipe.provenance,
                expected_bytes=array_bytes(task, recipe.counts),
            ) as writer:
                origin.write(request, recipe, writer)
    prepared = open_task(task.name, request.folder)
    if request.raw is not None:
        expected = origin.full if request.limit is None else recipe.counts
        if warning := incomplete_release(prepared, expected):
            log(warning)
    return prepared


def check_request(request: Request) -> None:
    """Raise ConfigError if a request is invalid, and make the folder of prepared tasks."""
    task, origin = request.task, origin_of(request.task)
    for flag, least, value in (
        ("--limit", SMALLEST_LIMIT, request.limit),
        ("--seed", 0, request.seed),
        ("--workers", 1, request.workers),
    ):
        if value is not None and value < least:
            raise ConfigError("prep.number-too-small", key=flag, least=least, value=value)
    if request.protocol not in origin.protocols:
        raise ConfigError(
            "prep.wrong-protocol", key="--protocol", protocol=request.protocol, task=task.name
        )
    for name in request.options:
        if name not in origin.options:
            hint = did_you_mean(name, origin.options) or " It has none."
            raise ConfigError(
                "prep.unknown-option", key="--option", task=task.name, name=name, hint=hint
            )
    make_folder(request.folder, "--data-root")
    if not os.access(request.folder, os.W_OK):
        raise ConfigError("prep.folder-not-writable", key="--data-root", folder=request.folder)


def make_folder(folder: Path, flag: str) -> None:
    """Make the folder that a flag names, with its parents; raise ConfigError if that is impossible."""
    try:
        with full_disk_reported(folder, "nothing was written"):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            "prep.cannot-make-folder", key=flag, folder=folder, error=error
        ) from error


def text_export(task: str) -> Export:
    """Return the function that writes a prepared task in its publisher's text format.

    Raises:
      ConfigError: the task has none.
    """
    export = origin_of(find_task(task)).export
    if export is None:
        raise ConfigError("prep.no-text-format", key="--export-tsv", task=task)
    return export


def export_tsv(prepared: PreparedTask, folder: Path, progress: Progress = silent) -> None:
    """Write a prepared task into a folder in its publisher's text format.

    Raises:
      ConfigError: the task has none, or the folder cannot be made.
    """
    export = text_export(prepared.manifest.task)
    make_folder(folder, "--export-tsv")
    export(prepared, folder, progress)


def _open_undamaged(task: str, folder: Path) -> PreparedTask | None:
    try:
        prepared = open_task(task, folder)
    except (DataNotPrepared, DataDamaged) as error:
        logger.debug("%s", error)
        return None
    return None if damaged_files(prepared) else prepared
