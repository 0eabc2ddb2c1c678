"""What the preparation asks of the modules that know where data come from, one module per origin."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np

from lru_tune.data.manifest import Provenance, SplitName
from lru_tune.data.store import PreparedTask
from lru_tune.data.writer import TaskWriter
from lru_tune.tasks import Task

Counts = dict[SplitName, int]
Protocol = Literal["default", "lra-legacy"]
Progress = Callable[[str, int, int], None]  # what is being done, units done, units in all

VALIDATION_SHARE = 0.1  # of the training examples, where the publisher gives no validation split
SYNTHETIC_COUNTS: Counts = {"train": 256, "val": 64, "test": 64}


class Source(NamedTuple):
    """A published file or archive.

    Attributes:
      file: its name.
      url: where the publisher, or the mirror that is alive, keeps it.
      licence: as the publisher states it.
      bytes: its size; about, where no checksum is published.
      md5: the official checksum; None where none is published.
      sha256: likewise.
    """

    file: str
    url: str
    licence: str
    bytes: int
    md5: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Request:
    """What is to be prepared.

    Attributes:
      task: entry of the catalogue.
      raw: what `Origin.find_raw` found; None to generate or download, and for a synthetic twin.
      downloads: folder in which downloaded files are kept.
      limit: training examples at most, before validation is carved; the other splits shrink alike.
      seed: of generation, or of carving validation from train.
      workers: processes that may generate at the same time.
      synthetic: make the tiny stand-in.
      allow_checksum_mismatch: take files whose checksum is not the publisher's; goes on record.
      protocol: `lra-legacy` makes validation of the test split, as Long Range Arena did; `default` never.
      options: of the generator, by name; those of the task where left out.
      progress: told how far the work is.
    """

    task: Task
    raw: Path | None
    downloads: Path
    limit: int | None
    seed: int
    workers: int
    synthetic: bool
    progress: Progress
    allow_checksum_mismatch: bool = False
    protocol: Protocol = "default"
    options: Mapping[str, int] = field(default_factory=dict)


class Recipe(NamedTuple):
    """What an origin is going to write for a request.

    Attributes:
      provenance: goes into the manifest; where it equals that of the arrays on disk, nothing is done.
      counts: examples per split.
    """

    provenance: Provenance
    counts: Counts


class Origin(NamedTuple):
    """Where the data of one or more tasks come from.

    Attributes:
      size: of what is fetched or generated, for people.
      licence: for people.
      source: for people.
      wanted: names the publisher's files that `find_raw` looks for, for people.
      find_raw: returns the folder below the given one that holds all of the publisher's files, or None.
      full: examples per split of the whole data set, validation carved where it is.
      plan: turns a request into a recipe; cheap, and raises what is wrong before anything is written.
      write: adds the examples of a recipe to a writer.
      export: writes prepared arrays in the publisher's format into a folder; None where it cannot.
      slow: making all examples takes so long that a search which reads few of them makes only those.
      protocols: the ways validation can be made.
      options: what the generator can be told by name, with what it means.
    """

    size: str
    licence: str
    source: str
    wanted: str
    find_raw: Callable[[Path], Path | None]
    full: Counts
    plan: Callable[[Request], Recipe]
    write: Callable[[Request, Recipe, TaskWriter], None]
    export: Callable[[PreparedTask, Path, Progress], None] | None = None
    slow: bool = False
    protocols: tuple[Protocol, ...] = ("default",)
    options: Mapping[str, str] = MappingProxyType({})


def silent(work: str, done: int, total: int) -> None:
    """Tell nobody; a Progress."""


def shrunk(full: Counts, limit: int | None) -> Counts:
    """Return the counts with at most `limit` training examples, the other splits in proportion."""
    if limit is None or limit >= full["train"]:
        return full
    return {split: max(1, count * limit // full["train"]) for split, count in full.items()}


def carved(pool: int) -> tuple[int, int]:
    """Return how many of a pool of training examples are for training, and how many for validation."""
    train = int((1 - VALIDATION_SHARE) * pool)
    return train, pool - train


def with_validation(train: int, test: int) -> Counts:
    """Return the counts of a published train and test split once validation is carved from train."""
    kept, validation = carved(train)
    return {"train": kept, "val": validation, "test": test}


def carved_counts(request: Request, *, train: int, test: int) -> Counts:
    """Return the counts of a task whose publisher gives so many examples, and no validation.

    `limit` is of the publisher's training examples, before validation is carved from them.
    """
    if request.synthetic:
        pool, tested = SYNTHETIC_COUNTS["train"] + SYNTHETIC_COUNTS["val"], SYNTHETIC_COUNTS["test"]
    else:
        pool = min(request.limit or train, train)
        tested = max(1, test * pool // train)
    return with_validation(pool, tested)


def carve(pool: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Deal the indices 0..pool-1 into training and validation, each in rising order, by a fixed seed."""
    shuffled = np.random.default_rng(seed).permutation(pool)
    train, _ = carved(pool)
    return np.sort(shuffled[:train]), np.sort(shuffled[train:])
