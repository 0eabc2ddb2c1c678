"""The catalogue of tasks: inputs, predictions and sources.

A task is data: the trainer, the model builder and the data preparation read these entries, and no code
depends on the name of a task.
"""

from dataclasses import dataclass
from typing import Literal

from lru_tune.errors import ConfigError, did_you_mean


@dataclass(frozen=True)
class Tokens:
    """Inputs (B, T) of small integers, fed to the network as one-hot vectors or embeddings.

    Attributes:
      width: columns of the one-hot code; at least the vocabulary's size.
    """

    width: int


@dataclass(frozen=True)
class Channels:
    """Inputs (B, T, F) stored as integers, fed to the network as (x / scale - mean) / std.

    Attributes:
      width: F.
      scale: largest stored value.
      mean, std: of x / scale, one number a channel.
    """

    width: int
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)


@dataclass(frozen=True)
class Task:
    """A data set and what to predict from it.

    Attributes:
      inputs: how the stored integers become features.
      max_length: T, the length that every sequence is padded to.
      head: `classify` makes one prediction per sequence; `per_step` one at each of the last
        `scored_steps`; `match` one per pair of documents, inputs (B, 2, T), with one encoder for both.
      num_classes: classes of one prediction.
      num_outputs: predictions made at once (bits per step in the copy task).
      scored_steps: for `per_step`, how many of the last steps are scored.
      origin: module of `data_prep` that makes the arrays.
      generated: the arrays are generated, so preparing them needs no download.
      validation: the split is `given` by the publisher, or `carved` from train with a fixed seed.
      citation: source of the task.
    """

    name: str
    aliases: tuple[str, ...]
    inputs: Tokens | Channels
    max_length: int
    head: Literal["classify", "per_step", "match"]
    num_classes: int
    origin: str
    generated: bool
    validation: Literal["given", "carved"]
    citation: str
    num_outputs: int = 1
    scored_steps: int = 1

    @property
    def documents(self) -> tuple[int, ...]:
        """Shape of an example before its time axis: (2,) for the two documents of `match`, else ()."""
        return (2,) if self.head == "match" else ()


# Notes on every output of data with an unusual validation split, by protocol.
PROTOCOL_STAMPS = {
    "lra-legacy": "protocol lra-legacy: validation is the test split, so configurations were selected on "
    "test, as in Long Range Arena"
}

# Names that mean two different tasks in published work.
AMBIGUOUS = {"cifar": ("scifar", "cifar-gray")}

TASKS = {
    task.name: task
    for task in (
        Task(
            name="copy",
            aliases=("copy-classification",),
            inputs=Channels(width=8),
            max_length=48,
            head="per_step",
            num_classes=2,
            num_outputs=7,
            scored_steps=20,
            origin="copy",
            generated=True,
            validation="given",
            citation="minimal-LRU; Zucchet et al. 2023",
        ),
        Task(
            name="smnist",
            aliases=("mnist", "mnist-classification"),
            inputs=Channels(width=1, scale=255.0),
            max_length=784,
            head="classify",
            num_classes=10,
            origin="mnist",
            generated=False,
            validation="carved",
            citation="LeCun, Cortes & Burges; Le, Jaitly & Hinton 2015",
        ),
        Task(
            name="psmnist",
            aliases=("pmnist", "pmnist-classification"),
            inputs=Channels(width=1, scale=255.0),
            max_length=784,
            head="classify",
            num_classes=10,
            origin="mnist",
            generated=False,
            validation="carved",
            citation="LeCun, Cortes & Burges; Le, Jaitly & Hinton 2015",
        ),
        Task(
            name="scifar",
            aliases=("cifar-classification",),
            inputs=Channels(
                width=3, scale=255.0, mean=(0.4914, 0.4822, 0.4465), std=(0.247, 0.243, 0.261)
            ),
            max_length=1024,
            head="classify",
            num_classes=10,
            origin="cifar",
            generated=False,
            validation="carved",
            citation="Krizhevsky 2009",
        ),
        Task(
            name="cifar-gray",
            aliases=("image", "lra-cifar-classification"),
            inputs=Channels(width=1, scale=255.0, mean=(122.6 / 255,), std=(61 / 255,)),
            max_length=1024,
            head="classify",
            num_classes=10,
            origin="cifar",
            generated=False,
            validation="carved",
            citation="Krizhevsky 2009; Tay et al. 2021",
        ),
        Task(
            name="listops",
            aliases=("listops-classification",),
            inputs=Tokens(width=20),
            max_length=2048,
            head="classify",
            num_classes=10,
            origin="listops",
            generated=True,
            validation="given",
            citation="Nangia & Bowman 2018; Tay et al. 2021",
        ),
        Task(
            name="imdb",
            aliases=("text", "imdb-classification"),
            inputs=Tokens(width=135),
            max_length=4096,
            head="classify",
            num_classes=2,
            origin="imdb",
            generated=False,
            validation="carved",
            citation="Maas et al. 2011; Tay et al. 2021",
        ),
        Task(
            name="aan",
            aliases=("retrieval", "aan-classification"),
            inputs=Tokens(width=128),
            max_length=4000,
            head="match",
            num_classes=2,
            origin="aan",
            generated=False,
            validation="given",
            citation="Radev et al. 2013; Tay et al. 2021",
        ),
        Task(
            name="pathfinder",
            aliases=("pathfinder-classification",),
            inputs=Channels(width=1, scale=255.0, mean=(0.5,), std=(0.5,)),
            max_length=1024,
            head="classify",
            num_classes=2,
            origin="pathfinder",
            generated=True,
            validation="given",
            citation="Linsley et al. 2018; Tay et al. 2021",
        ),
        Task(
            name="pathx",
            aliases=("path-x", "pathx-classification"),
            inputs=Channels(width=1, scale=255.0, mean=(0.5,), std=(0.5,)),
            max_length=16384,
            head="classify",
            num_classes=2,
            origin="pathfinder",
            generated=True,
            validation="given",
            citation="Linsley et al. 2018; Tay et al. 2021",
        ),
    )
}


def find_task(name: str) -> Task:
    """Return the task of a name or an alias; raise ConfigError where there is none."""
    if name in AMBIGUOUS:
        raise ConfigError("tasks.ambiguous", name=name, candidates=" or ".join(AMBIGUOUS[name]))
    for task in TASKS.values():
        if name == task.name or name in task.aliases:
            return task
    known = [known for task in TASKS.values() for known in (task.name, *task.aliases)]
    raise ConfigError("tasks.unknown", name=name, hint=did_you_mean(name, known))
