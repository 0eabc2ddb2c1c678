"""Writing a prepared task: whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from lru_tune.data.growing import GrowingArray
from lru_tune.data.manifest import (
    FORMAT_VERSION,
    SPLITS,
    FileRecord,
    Manifest,
    Provenance,
    SplitName,
    sha256_of,
    write_manifest,
)
from lru_tune.data.versions import next_version, replace_version
from lru_tune.files.disk import full_disk_reported, require_space
from lru_tune.tasks import Task, find_task


class TaskWriter:
    """Collects the examples of a task; made by `write_task`.

    Attributes:
      vocabulary: token of each id; set it for tasks of tokens.
    """

    def __init__(self, task: Task, folder: Path) -> None:
        """Write arrays under `folder`, which exists and is empty."""
        self.vocabulary: list[str] | None = None
        self._task = task
        self._folder = folder
        self._files: dict[str, GrowingArray] = {}
        self._histograms: dict[str, np.ndarray] = {}

    def add(
        self,
        split: SplitName,
        inputs: np.ndarray,
        targets: np.ndarray,
        lengths: np.ndarray | None = None,
    ) -> None:
        """Append examples to a split; dtypes and row shapes must be those of the first call."""
        parts = {"inputs": inputs, "targets": targets}
        if lengths is not None:
            parts["lengths"] = lengths
        counts = {part: len(rows) for part, rows in parts.items()}
        if len(set(counts.values())) != 1:
            raise ValueError(f"{split}: expected equally many of each, got {counts}")
        for part, rows in parts.items():
            name = f"{split}/{part}.npy"
            if name not in self._files:
                self._files[name] = GrowingArray(self._folder / name, rows)
            self._files[name].append(rows)
        counted = np.bincount(targets.ravel(), minlength=self._task.num_classes)
        self._histograms[split] = self._histograms.get(split, 0) + counted

    def finish(self, provenance: Provenance) -> None:
        """Complete all files and write the manifest."""
        if missing := set(SPLITS) - self._histograms.keys():
            raise ValueError(f"{self._task.name}: no examples for {sorted(missing)}")
        records: dict[str, FileRecord] = {}
        for name, file in self._files.items():
            file.finish()
            records[name] = {"sha256": sha256_of(file.path), "bytes": file.path.stat().st_size}
        histograms: dict[str, list[int]] = {s: self._histograms[s].tolist() for s in SPLITS}
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            task=self._task.name,
            source=provenance.source,
            parameters=provenance.parameters,
            seed=provenance.seed,
            files=records,
            counts={split: self._files[f"{split}/inputs.npy"].rows for split in SPLITS},
            label_histogram=histograms,
            vocabulary=self.vocabulary,
            chance=_chance(self._task, histograms["test"]),
            synthetic=provenance.synthetic,
        )
        write_manifest(self._folder, manifest)

    def close(self) -> None:
        """Close all files, finished or not."""
        for file in self._files.values():
            file.close()


def _chance(task: Task, histogram: list[int]) -> float:
    return 1 / task.num_classes if task.head == "per_step" else max(histogram) / sum(histogram)


@contextmanager
def write_task(
    task: str,
    root: Path,
    provenance: Provenance,
    *,
    expected_bytes: int = 0,
) -> Iterator[TaskWriter]:
    """Write a task into a temporary folder; at the end of the block it replaces an older version.

    An exception inside the block, KeyboardInterrupt included, deletes what was written and leaves an older
    version as it was. If several processes may write the same task, hold `task_lock` around the block.

    Args:
      task: name or alias.
      root: the data root, for a synthetic twin its folder `synthetic`.
      provenance: goes into the manifest.
      expected_bytes: size of all arrays; the disk must have as much space before anything is written.

    Raises:
      ResourcesMissing: the disk is, or would be, full.
    """
    entry = find_task(task)
    folder = root.resolve() / entry.name
    root.mkdir(parents=True, exist_ok=True)
    require_space(folder, expected_bytes)
    temporary = next_version(folder)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    writer = TaskWriter(entry, temporary)
    try:
        with full_disk_reported(folder, "nothing was left there"):
            yield writer
            writer.finish(provenance)
            replace_version(folder)
    finally:
        writer.close()
        shutil.rmtree(temporary, ignore_errors=True)
