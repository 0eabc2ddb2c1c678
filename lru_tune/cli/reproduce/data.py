"""The data of a table: prepared if that needs no download, and compared with the paper's."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from lru_tune.data.manifest import SYNTHETIC_FOLDER, Manifest, tasks_folder
from lru_tune.data.store import PreparedTask, open_task
from lru_tune.errors import DataDamaged, DataNotPrepared, Problem
from lru_tune.reproduction.store import TaskData, remember_data, remembered_data

# Task -> examples read of each split; a split that is read whole is left out.
Reads = Mapping[str, Mapping[str, int]]


class DataRoot(NamedTuple):
    """Where the prepared tasks are.

    Attributes:
      root: the data root.
      synthetic: whether to use its synthetic twins.
      reproductions: folder of all reproductions; it records the data they were made with.
    """

    root: Path
    synthetic: bool
    reproductions: Path

    @property
    def folder(self) -> Path:
        """Folder of the tasks."""
        return tasks_folder(self.root, synthetic=self.synthetic)

    def name(self, task: str) -> str:
        """Return the name under which a task's data are recorded."""
        return f"{SYNTHETIC_FOLDER}/{task}" if self.synthetic else task


def prepare(
    where: DataRoot, reads: Reads, generated: Iterable[str], message: Callable[[str], None]
) -> dict[str, TaskData]:
    """Open tasks; prepare those that need no download. If any is missing, prepare nothing.

    Args:
      where: the data root.
      reads: the tasks, with how many examples are read.
      generated: tasks that need no download, for the message.
      message: called with lines for the user.

    Raises:
      DataNotPrepared: with every task that is missing, and what can be run without them.
    """
    from data_prep import ensure_prepared, expected_counts

    missing: list[Problem] = []
    present = []
    for task, counts in reads.items():
        try:
            expected_counts(task, where.root, synthetic=where.synthetic, reads=counts)
        except DataNotPrepared as error:
            missing += error.problems
        else:
            present.append(task)
    if missing:
        if others := list(dict.fromkeys([*present, *generated])):
            missing.append(Problem("cli.other-tasks", {"tasks": ",".join(others)}))
        raise DataNotPrepared(*missing)
    found = {}
    for task in present:
        prepared = ensure_prepared(
            task, where.root, synthetic=where.synthetic, reads=reads[task], log=message
        )
        found[task] = _task_data(prepared)
        remember_data(where.reproductions, where.name(task), found[task])
    return found


def known(
    where: DataRoot, tasks: Iterable[str], message: Callable[[str], None]
) -> dict[str, TaskData]:
    """Return the facts about tasks: of the prepared arrays, or as recorded by earlier runs.

    Prepares nothing. A damaged task is left out, with a message.
    """
    found = {}
    for task in tasks:
        try:
            data: TaskData | None = _task_data(open_task(task, where.folder))
        except DataNotPrepared:
            data = remembered_data(where.reproductions, where.name(task))
        except DataDamaged as error:
            message(f"note: {error}")
            continue
        if data is not None:
            found[task] = data
    return found


def states(where: DataRoot, reads: Reads) -> list[str]:
    """Return a line for each task: what is prepared, or what would be."""
    from data_prep import expected_counts

    lines = []
    for task, wanted in reads.items():
        state = "in" if (where.folder / task).is_dir() else "will be prepared in"
        try:
            counts = expected_counts(task, where.root, synthetic=where.synthetic, reads=wanted)
        except DataNotPrepared as error:
            lines.append(f"data: {error}")
            continue
        sizes = ", ".join(f"{n:,} {split}" for split, n in counts.items())
        lines.append(f"data: {task} {state} {where.folder}: {sizes}")
    return lines


def _task_data(prepared: PreparedTask) -> TaskData:
    manifest = prepared.manifest
    return TaskData(
        fingerprint=manifest.fingerprint,
        chance=manifest.chance,
        train_examples=manifest.counts["train"],
        shortfall=", ".join(_shortfalls(manifest)),
    )


def _shortfalls(manifest: Manifest) -> Iterator[str]:
    """Yield what makes the prepared data differ from the paper's."""
    from data_prep import changed_options, full_counts

    if manifest.synthetic:
        yield "synthetic data"
        return
    for split, full in full_counts(manifest.task).items():
        if manifest.counts[split] < full:
            yield f"{manifest.counts[split]:,} of {full:,} {split} examples"
    parameters = manifest.parameters
    if parameters.get("limit") is not None:
        yield f"prepared with --limit {parameters['limit']}"
    for name, value in changed_options(manifest).items():
        yield f"generated with --option {name}={value}"
    if manifest.protocol_stamp:
        yield manifest.protocol_stamp
    if parameters.get("unofficial_md5"):
        yield "files with another checksum than the publisher's"
