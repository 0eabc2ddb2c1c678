"""The types that origins and the pipeline share: Request -> Recipe -> arrays, by an Origin.

A `Request` says what to prepare. The task's `Origin` turns it into a `Recipe` (`plan`), which decides every
byte of the arrays, and then writes them (`write`).
"""

import math
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np

from data_prep.pipeline.progress import Progress, silent
from lru_tune.data.manifest import Provenance, SplitName, prepare_command, tasks_folder
from lru_tune.data.store import PreparedTask
from lru_tune.data.writer import TaskWriter
from lru_tune.tasks import Channels, Task, find_task

Counts = dict[SplitName, int]
Protocol = Literal["default", "lra-legacy"]
Export = Callable[[PreparedTask, Path, Progress], None]

SEED = 42
SMALLEST_LIMIT = 10  # leaves at least one example for a split that is carved
VALIDATION_SHARE = 0.1  # of the training examples, where the publisher gives no validation split
SYNTHETIC_COUNTS: Counts = {"train": 256, "val": 64, "test": 64}


@dataclass(frozen=True)
class Request:
    """What to prepare.

    Attributes:
      name: name or alias of the task.
      root: the data root.
      from_dir: the publisher's files, or a folder that holds them. None: tasks that are not generated look
        in `$LRU_TUNE_RAW` and among earlier downloads, and then download.
      limit: the largest number of training examples, before validation is carved; the other splits shrink
        in proportion. None: all.
      seed: seed of the generator, or of the choice of validation examples; at least 0.
      workers: number of processes that generate examples. The arrays do not depend on it.
      synthetic: make the tiny synthetic twin instead, under `root/synthetic`.
      allow_checksum_mismatch: accept files whose checksum is not the publisher's; the manifest records it.
      protocol: `lra-legacy` uses the test split for validation, as Long Range Arena did.
      options: options of the generator, by name (`Origin.options`); the rest keep their defaults.
      replace: delete existing arrays, whatever they were made from.
      progress: receives the progress of the work.
      raw: where the publisher's files were found; set by `data_prep.origins.locate_files`.
    """

    name: str
    root: Path
    from_dir: Path | None = None
    limit: int | None = None
    seed: int = SEED
    workers: int = 1
    synthetic: bool = False
    allow_checksum_mismatch: bool = False
    protocol: Protocol = "default"
    options: Mapping[str, int] = field(default_factory=dict)
    replace: bool = False
    progress: Progress = silent
    raw: Path | None = None

    @property
    def task(self) -> Task:
        """The task's entry in the catalogue; raises ConfigError for an unknown name."""
        return find_task(self.name)

    @property
    def folder(self) -> Path:
        """The folder that holds the folders of prepared tasks."""
        return tasks_folder(self.root.resolve(), synthetic=self.synthetic)

    @property
    def downloads(self) -> Path:
        """The folder of downloaded files."""
        return self.root.resolve() / "raw"

    def accepting_command(self, raw: Path) -> str:
        """Return the command line that prepares the task from files in `raw`, whatever their checksums."""
        limit = "" if self.limit is None else f" --limit {self.limit}"
        return (
            f"{prepare_command(self.task.name, self.root.resolve())} --from-dir {shlex.quote(str(raw))}"
            f"{limit} --allow-checksum-mismatch"
        )


class Recipe(NamedTuple):
    """What an origin will write for a request.

    Attributes:
      provenance: goes into the manifest; arrays on disk with an equal one are up to date.
      counts: examples per split.
    """

    provenance: Provenance
    counts: Counts


class Requirement(NamedTuple):
    """An optional package that an origin imports.

    Attributes:
      packages: names to import; one of them is enough, the first is preferred.
      purpose: completes "needed to".
      only_to_download: whether it is needed only where the publisher's files must be downloaded.
    """

    packages: tuple[str, ...]
    purpose: str
    only_to_download: bool = False


class Origin(NamedTuple):
    """Where the examples of one or more tasks come from.

    Attributes:
      size: what is downloaded or generated, for people.
      licence: for people.
      source: for people.
      wanted: names the publisher's files that `find_raw` looks for, for people.
      find_raw: returns the publisher's archive or the folder with all of their files, in or below the
        given folder; None if there is none.
      full: examples per split of the whole data set, after validation was carved.
      plan: turns a request into a recipe. Cheap; raises every error that can be found before writing.
      write: adds the examples of a recipe to a writer.
      export: writes prepared arrays in the publisher's format into a folder; None if there is no such format.
      slow: whether generating all examples takes long, so that a search generates only those it reads.
      protocols: the supported values of `Request.protocol`.
      options: the supported names of `Request.options`, with their meanings.
      addresses: where the files are downloaded from; `doctor --network` tries them.
      requirements: optional packages; `doctor` looks for them.
    """

    size: str
    licence: str
    source: str
    wanted: str
    find_raw: Callable[[Path], Path | None]
    full: Counts
    plan: Callable[[Request], Recipe]
    write: Callable[[Request, Recipe, TaskWriter], None]
    export: Export | None = None
    slow: bool = False
    protocols: tuple[Protocol, ...] = ("default",)
    options: Mapping[str, str] = MappingProxyType({})
    addresses: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()


def array_bytes(task: Task, counts: Counts) -> int:
    """Return the size in bytes of all arrays of a task, at one byte a number."""
    width = task.inputs.width if isinstance(task.inputs, Channels) else 1
    sequences = math.prod(task.documents)
    numbers = sequences * task.max_length * width + task.scored_steps * task.num_outputs
    return sum(counts.values()) * numbers


def shrunk(full: Counts, limit: int | None) -> Counts:
    """Return the counts with at most `limit` training examples, the other splits in proportion."""
    if limit is None or limit >= full["train"]:
        return full
    return {split: max(1, count * limit // full["train"]) for split, count in full.items()}


def carved(pool: int) -> tuple[int, int]:
    """Return how many of `pool` published training examples go to train, and how many to val."""
    train = int((1 - VALIDATION_SHARE) * pool)
    return train, pool - train


def with_validation(train: int, test: int) -> Counts:
    """Return the counts of a published train and test split after validation was carved from train."""
    kept, validation = carved(train)
    return {"train": kept, "val": validation, "test": test}


def carved_counts(request: Request, *, train: int, test: int) -> Counts:
    """Return the counts of a task with `train` and `test` published examples and no validation split.

    `request.limit` counts published training examples, before validation is carved from them.
    """
    if request.synthetic:
        pool, tested = SYNTHETIC_COUNTS["train"] + SYNTHETIC_COUNTS["val"], SYNTHETIC_COUNTS["test"]
    else:
        pool = min(request.limit or train, train)
        tested = max(1, test * pool // train)
    return with_validation(pool, tested)


def carve(pool: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split the indices 0..pool-1 at random into train and val, each ascending."""
    shuffled = np.random.default_rng(seed).permutation(pool)
    train, _ = carved(pool)
    return np.sort(shuffled[:train]), np.sort(shuffled[train:])
