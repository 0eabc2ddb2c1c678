"""The data behind a table: prepared where that needs no download, and examined for what they lack."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from lru_tune.data.manifest import SYNTHETIC_FOLDER, Manifest, tasks_folder
from lru_tune.data.store import PreparedTask, open_task
from lru_tune.errors import DataDamaged, DataNotPrepared
from lru_tune.reproduction.store import TaskData, remember_data, remembered_data

# Task -> examples read of each split; a split that is read whole is left out.
Reads = Mapping[str, Mapping[str, int]]


class DataRoot(NamedTuple):
    """Where prepared tasks lie.

    Attributes:
      root: the data root.
      synthetic: whether its synthetic twins are meant.
      reproductions: folder of all reproductions, which remembers the data they were made with.
    """

    root: Path
    synthetic: bool
    reproductions: Path

    @property
    def place(self) -> Path:
        """Folder of the tasks."""
        return tasks_folder(self.root, synthetic=self.synthetic)

    def name(self, task: str) -> str:
        """Return the name under which a task's data are remembered."""
        return f"{SYNTHETIC_FOLDER}/{task}" if self.synthetic else task


def prepare(
    where: DataRoot, reads: Reads, generated: Iterable[str], say: Callable[[str], None]
) -> dict[str, TaskData]:
    """Open tasks, preparing those that need no download. If any is missing, nothing is prepared.

    Args:
      where: they lie.
      reads: the tasks.
      generated: tasks that could be run without a download, for the message.
      say: told what is done.

    Raises:
      DataNotPrepared: names every task that is missing, and what can be run without them.
    """
    from data_prep import ensure_prepared, expected_counts

    missing, there = [], []
    for task, counts in reads.items():
        try:
            expected_counts(task, where.root, synthetic=where.synthetic, reads=counts)
        except DataNotPrepared as error:
            missing.append(str(error))
        else:
            there.append(task)
    if missing:
        others = list(dict.fromkeys([*there, *generated]))
        hint = f"Or run the others alone:  --tasks {','.join(others)}"
        raise DataNotPrepared("\n".join([*missing, *([hint] if others else [])]))
    found = {}
    for task in there:
        prepared = ensure_prepared(
            task, where.root, synthetic=where.synthetic, reads=reads[task], log=say
        )
        found[task] = _task_data(prepared)
        remember_data(where.reproductions, where.name(task), found[task])
    return found


def known(where: DataRoot, tasks: Iterable[str], say: Callable[[str], None]) -> dict[str, TaskData]:
    """Return what is known of tasks: of those that lie there, and else of what was run before.

    Prepares nothing. A task that is damaged is left out, and said.
    """
    found = {}
    for task in tasks:
        try:
            data: TaskData | None = _task_data(open_task(task, where.place))
        except DataNotPrepared:
            data = remembered_data(where.reproductions, where.name(task))
        except DataDamaged as error:
            say(f"note: {error}")
            continue
        if data is not None:
            found[task] = data
    return found


def states(where: DataRoot, reads: Reads) -> list[str]:
    """Return a line for each task: what lies there, or what would be done."""
    from data_prep import expected_counts

    lines = []
    for task, wanted in reads.items():
        state = "in" if (where.place / task).is_dir() else "will be prepared in"
        try:
            counts = expected_counts(task, where.root, synthetic=where.synthetic, reads=wanted)
        except DataNotPrepared as error:
            lines.append(f"data: {error}")
            continue
        told = ", ".join(f"{n:,} {split}" for split, n in counts.items())
        lines.append(f"data: {task} {state} {where.place}: {told}")
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
    """Yield what makes prepared data others than those of the paper."""
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
