"""The manifest of a prepared task: its arrays, where they come from, and their checksums."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

from lru_tune.errors import DataDamaged
from lru_tune.files.atomic import write_atomically
from lru_tune.tasks import PROTOCOL_STAMPS

FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
SYNTHETIC_FOLDER = "synthetic"  # of a data root: the root of the synthetic twins

SplitName = Literal["train", "val", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


class FileRecord(TypedDict):
    """Checksum and size of a file."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Provenance:
    """What the content of a prepared task depends on; equal provenance gives equal arrays.

    Attributes:
      source: where the examples come from, in words.
      parameters: everything else, but the seed, that the arrays depend on; JSON values only.
      seed: of generation, or of the split of train and validation.
      synthetic: a tiny stand-in for the real data set.
    """

    source: str
    parameters: dict[str, Any]
    seed: int
    synthetic: bool = False


@dataclass(frozen=True)
class Manifest:
    """What is known of a prepared task without reading its arrays.

    Attributes:
      format_version: FORMAT_VERSION of the program that wrote it.
      task: name in the catalogue.
      source, parameters, seed, synthetic: see Provenance.
      files: path relative to the task's folder ("train/inputs.npy") -> checksum and size.
      counts: examples per split.
      label_histogram: per split, how often each class occurs in the targets.
      vocabulary: token of each id, for tasks of tokens; None otherwise.
      chance: accuracy on test of always predicting its most frequent class; 1 / classes if several outputs
        are scored at each step.
    """

    format_version: int
    task: str
    source: str
    parameters: dict[str, Any]
    seed: int
    files: dict[str, FileRecord]
    counts: dict[SplitName, int]
    label_histogram: dict[str, list[int]]
    vocabulary: list[str] | None
    chance: float
    synthetic: bool

    @property
    def provenance(self) -> Provenance:
        """What the content depends on."""
        return Provenance(self.source, self.parameters, self.seed, self.synthetic)

    @property
    def protocol(self) -> str:
        """How validation was made: "default", or a key of `lru_tune.tasks.PROTOCOL_STAMPS`."""
        return str(self.parameters.get("protocol", "default"))

    @property
    def protocol_stamp(self) -> str | None:
        """The note that every output must carry for an unusual validation split; None for a usual one."""
        return PROTOCOL_STAMPS.get(self.protocol)

    @property
    def known_overlap(self) -> int:
        """The most inputs of test that are also among the publisher's training examples."""
        return int(self.parameters.get("known_overlap", 0))

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits that depend on the content of all arrays, and on nothing else."""
        sums = sorted((name, record["sha256"]) for name, record in self.files.items())
        return hashlib.sha256(json.dumps(sums).encode()).hexdigest()[:12]


def tasks_folder(root: Path, *, synthetic: bool) -> Path:
    """Return the folder of tasks under a data root: the root, or its folder of synthetic twins."""
    return root / SYNTHETIC_FOLDER if synthetic else root


def prepare_command(task: str, root: Path) -> str:
    """Return the command line that prepares `root/task`."""
    if root.name == SYNTHETIC_FOLDER:
        return f"python -m data_prep prepare {task} --synthetic --data-root {root.parent}"
    return f"python -m data_prep prepare {task} --data-root {root}"


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write manifest.json into a folder, atomically."""
    text = json.dumps(dataclasses.asdict(manifest), indent=2, ensure_ascii=False) + "\n"
    write_atomically(folder / MANIFEST_FILE, text)


def read_manifest(folder: Path) -> Manifest:
    """Read manifest.json of a task's folder.

    Raises:
      FileNotFoundError: there is none.
      DataDamaged: it cannot be read, or has another format version.
    """
    path = folder / MANIFEST_FILE

    def damaged(reason: str) -> DataDamaged:
        command = prepare_command(folder.name, folder.parent)
        return DataDamaged("data.bad-manifest", path=path, reason=reason, command=command)

    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise damaged(f"not valid JSON ({error})") from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != FORMAT_VERSION:
        raise damaged(f"expected format version {FORMAT_VERSION}, got {version}")
    expected = {field.name for field in dataclasses.fields(Manifest)}
    if wrong := expected ^ content.keys():
        raise damaged(f"missing or unknown fields {sorted(wrong)}")
    return Manifest(**content)
