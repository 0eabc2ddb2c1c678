"""Prepared tasks on disk: memory-mapped arrays under a manifest.

    ROOT/<task>/manifest.json
    ROOT/<task>/<split>/inputs.npy    (n, T) token ids, (n, 2, T) of two documents, or (n, T, F) channels
    ROOT/<task>/<split>/targets.npy   (n,) classes or (n, scored steps, outputs)
    ROOT/<task>/<split>/lengths.npy   (n,) true lengths, only where they vary; (n, 2) of two documents

All arrays are unsigned integers, in the smallest type that holds their values.
`lru_tune.data.writer` writes them, `lru_tune.data.verify` checks them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lru_tune.data.manifest import Manifest, SplitName, prepare_command, read_manifest
from lru_tune.errors import DataDamaged, DataNotPrepared
from lru_tune.tasks import find_task

__all__ = ["Manifest", "PreparedTask", "Split", "SplitName", "open_task"]


class Split(NamedTuple):
    """The arrays of one split, memory-mapped and read-only.

    Attributes:
      inputs: (n, T) token ids, (n, 2, T) of two documents, or (n, T, F) channels, unsigned integers.
      targets: (n,) classes or (n, scored steps, outputs), unsigned integers.
      lengths: (n,) true lengths in 1..T, or None where every sequence has length T; always (n, 2) for
        two documents.
    """

    inputs: np.ndarray
    targets: np.ndarray
    lengths: np.ndarray | None


@dataclass(frozen=True)
class PreparedTask:
    """A task found on disk; its arrays are opened split by split.

    Attributes:
      folder: ROOT/<task>.
      manifest: of the task.
    """

    folder: Path
    manifest: Manifest

    def split(self, name: SplitName) -> Split:
        """Map one split into memory; the files of the other splits are not opened."""

        def array(part: str) -> np.ndarray:
            path = self.folder / name / f"{part}.npy"
            try:
                mapped: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError) as error:
                raise DataDamaged(
                    "data.unreadable", path=path, reason=error, command=_prepare(self.folder)
                ) from error
            return mapped

        has_lengths = f"{name}/lengths.npy" in self.manifest.files
        return Split(array("inputs"), array("targets"), array("lengths") if has_lengths else None)


def open_task(task: str, root: Path) -> PreparedTask:
    """Open the prepared arrays of a task; looks at the manifest and at file sizes, opens no array.

    Args:
      task: name or alias.
      root: the data root, for a synthetic twin its folder `synthetic`.

    Raises:
      DataNotPrepared: there are no arrays; the message has the command that prepares them.
      DataDamaged: files are missing, of another size or of another format version.
    """
    name = find_task(task).name
    folder = root.resolve() / name
    try:
        manifest = read_manifest(folder)
    except (FileNotFoundError, NotADirectoryError) as error:
        command = prepare_command(name, root.resolve())
        raise DataNotPrepared("data.not-prepared", task=name, root=root, command=command) from error
    for file, record in manifest.files.items():
        path = folder / file
        found = path.stat().st_size if path.is_file() else None
        if found != record["bytes"]:
            raise DataDamaged(
                "data.wrong-size",
                path=path,
                found="is missing" if found is None else f"has {found:,} bytes",
                expected=record["bytes"],
                command=_prepare(folder),
            )
    return PreparedTask(folder, manifest)


def _prepare(folder: Path) -> str:
    return prepare_command(folder.name, folder.parent)
