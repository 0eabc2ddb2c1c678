"""The catalogue of tasks: what is read, what is predicted, where it comes from.

A task is data. The trainer, the model builder and the data preparation read these entries and never
ask for a task by name.
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
    """What one data set asks of a model.

    Attributes:
      inputs: how the stored integers become features.
      max_length: T, the length every sequence is padded to.
      head: `classify` predicts once a sequence; `per_step` predicts at each of the last `scored_steps`.
      num_classes: classes of one prediction.
      num_outputs: predictions made at once (bits a step in the copy task).
      scored_steps: for `per_step`, how many of the last steps are scored.
      origin: module of `data_prep` that makes the arrays.
      generated: the arrays are generated, so that preparing needs no download.
      validation: `given` by the publisher, or `carved` from train by a fixed seed.
      citation: where the task comes from.
    """

    name: str
    aliases: tuple[str, ...]
    inputs: Tokens | Channels
    max_length: int
    head: Literal["classify", "per_step"]
    num_classes: int
    origin: str
    generated: bool
    validation: Literal["given", "carved"]
    citation: str
    num_outputs: int = 1
    scored_steps: int = 1


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
    )
}


def find_task(name: str) -> Task:
    """Return a task by its name or an alias; raise ConfigError with the nearest name otherwise."""
    for task in TASKS.values():
        if name == task.name or name in task.aliases:
            return task
    known = [known for task in TASKS.values() for known in (task.name, *task.aliases)]
    raise ConfigError(f"unknown task {name!r}.{did_you_mean(name, known)}")
