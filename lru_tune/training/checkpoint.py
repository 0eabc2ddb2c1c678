"""Checkpoints of a run: last, previous and best, each with a checksum.

A file is msgpack in the frame of `lru_tune.files.framed`. The previous checkpoint is kept, so that a damaged
last one costs the steps between the two and not the run.
"""

import logging
from pathlib import Path
from typing import Any, NamedTuple

import jax

from lru_tune.errors import CheckpointDamaged, Invalid, Problem
from lru_tune.files.framed import read_framed, write_framed
from lru_tune.files.run_directory import BEST_CHECKPOINT, CHECKPOINT_FOLDER
from lru_tune.training.state import TrainState

logger = logging.getLogger(__name__)

HEADER = "lru-tune checkpoint 1"
LAST = "last.msgpack"
PREVIOUS = "previous.msgpack"
BEST = BEST_CHECKPOINT
FINITE_KEY = "sound"  # what files call `TrainState.finite`


class Progress(NamedTuple):
    """What a resumed run needs beside its TrainState.

    Attributes:
      best_step: step of the best validation report, 0 before the first.
      best_value: validation accuracy of that report.
      seconds: of training and evaluation so far.
      reports: reports written so far.
    """

    best_step: int = 0
    best_value: float = 0.0
    seconds: float = 0.0
    reports: int = 0


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a tree of arrays, numbers, strings and named tuples, atomically."""
    from flax import (
        serialization,  # late: flax takes long to import, and the first steps need none of it
    )

    tree = serialization.to_state_dict(jax.device_get(content))
    write_framed(path, HEADER, serialization.msgpack_serialize(tree))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return the tree in a checkpoint file.

    Raises:
      CheckpointDamaged: the file was cut short or changed, or has another format.
    """
    from flax import serialization

    try:
        return serialization.msgpack_restore(read_framed(path, HEADER))
    except Invalid as error:
        raise CheckpointDamaged(error.problem) from error


def pack_state(state: TrainState) -> dict[str, Any]:
    """Return a state as checkpoints hold it."""
    fields = state._asdict()
    fields[FINITE_KEY] = fields.pop("finite")
    return fields


def unpack_state(shapes: TrainState, tree: dict[str, Any]) -> TrainState:
    """Return the state in a checkpoint, its arrays on the host.

    Args:
      shapes: a state of the same structure; only its containers are read.
      tree: as read.
    """
    from flax import serialization

    fields = dict(tree)
    fields["finite"] = fields.pop(FINITE_KEY)
    return serialization.from_state_dict(shapes, fields)


def save_last(run_dir: Path, content: dict[str, Any]) -> None:
    """Write the last checkpoint and keep the one before it."""
    folder = run_dir / CHECKPOINT_FOLDER
    last = folder / LAST
    if last.is_file():
        last.replace(folder / PREVIOUS)
    write_checkpoint(last, content)


def load_newest(run_dir: Path) -> dict[str, Any] | None:
    """Return the newest checkpoint of a run that can be read, or None if it has written none.

    Raises:
      CheckpointDamaged: there are checkpoints, but none that can be read.
    """
    folder = run_dir / CHECKPOINT_FOLDER
    damage: list[Problem] = []
    for path in (folder / LAST, folder / PREVIOUS):
        if not path.is_file():
            continue
        try:
            return read_checkpoint(path)
        except CheckpointDamaged as error:
            logger.warning("%s; trying the previous checkpoint", error)
            damage += error.problems
    if damage:
        raise CheckpointDamaged(
            Problem("training.no-readable-checkpoint", {"folder": folder}), *damage
        )
    return None
