"""Checkpoints of a run: last, previous and best, each checked by its own checksum.

File format: the line `lru-tune checkpoint 1`, the sha256 of the rest as a line of hexadecimal digits,
then msgpack. The previous checkpoint is kept so that a damaged last one costs one interval, not the run.
"""

import hashlib
import logging
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import jax

from lru_tune.errors import CheckpointDamaged
from lru_tune.files.atomic import write_atomically
from lru_tune.files.run_directory import BEST_CHECKPOINT, CHECKPOINT_FOLDER

logger = logging.getLogger(__name__)

HEADER = b"lru-tune checkpoint 1\n"
Tree = TypeVar("Tree")

LAST = "last.msgpack"
PREVIOUS = "previous.msgpack"
BEST = BEST_CHECKPOINT


class Progress(NamedTuple):
    """What a resumed run needs beside its TrainState.

    Attributes:
      best_step: step of the best validation report, 0 before the first.
      best_value: that report's value of the selection metric.
      seconds: of training and evaluation so far.
      reports: reports written so far.
    """

    best_step: int = 0
    best_value: float = 0.0
    seconds: float = 0.0
    reports: int = 0


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a tree of arrays, numbers, texts and named tuples; the file appears whole or not at all."""
    from flax import serialization  # a run that begins has no use for it yet

    tree = serialization.to_state_dict(jax.device_get(content))
    payload = serialization.msgpack_serialize(tree)
    digest = hashlib.sha256(payload).hexdigest().encode()
    write_atomically(path, HEADER + digest + b"\n" + payload)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return the tree in a checkpoint file.

    Raises:
      CheckpointDamaged: the file is cut, changed or of another format.
    """
    from flax import serialization

    content = path.read_bytes()
    if not content.startswith(HEADER):
        raise CheckpointDamaged(f"{path} is no checkpoint of this version of lru-tune")
    digest, _, payload = content[len(HEADER) :].partition(b"\n")
    if hashlib.sha256(payload).hexdigest().encode() != digest:
        raise CheckpointDamaged(f"{path} is damaged: its checksum does not fit its content")
    return serialization.msgpack_restore(payload)


def fill(template: Tree, tree: Any) -> Tree:
    """Return `tree`, read from a checkpoint, in the types of `template`; the arrays stay on the host."""
    from flax import serialization

    return serialization.from_state_dict(template, tree)


def save_last(run_dir: Path, content: dict[str, Any]) -> None:
    """Write the last checkpoint and keep the one before it."""
    folder = run_dir / CHECKPOINT_FOLDER
    last = folder / LAST
    if last.is_file():
        last.replace(folder / PREVIOUS)
    write_checkpoint(last, content)


def load_newest(run_dir: Path) -> dict[str, Any] | None:
    """Return the newest sound checkpoint of a run, or None if it has written none.

    Raises:
      CheckpointDamaged: there are checkpoints and none can be read.
    """
    folder = run_dir / CHECKPOINT_FOLDER
    found = [path for name in (LAST, PREVIOUS) if (path := folder / name).is_file()]
    damage = []
    for path in found:
        try:
            return read_checkpoint(path)
        except CheckpointDamaged as error:
            logger.warning("%s; trying the one before it", error)
            damage.append(str(error))
    if damage:
        raise CheckpointDamaged(
            "\n".join([*damage, f"Delete {folder} to start this run from its beginning."])
        )
    return None
