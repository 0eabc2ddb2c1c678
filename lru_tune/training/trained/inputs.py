"""Arrays of a user, checked against what a task's network reads."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lru_tune.errors import InputError
from lru_tune.tasks import Task, Tokens

Numbers = NDArray[Any]  # uint8 or uint16; of channels also float32


def as_sequences(x: ArrayLike, task: Task) -> Numbers:
    """Return sequences (B, T), (B, 2, T) or (B, T, F) as the network reads them.

    Raises:
      InputError: the type, shape or range is not the task's.
    """
    array = _as_numbers(x, task)
    least = task.scored_steps if task.head == "per_step" else 1
    if task.head == "match":
        expected = "two documents a pair, (batch, 2, time)"
        fits = array.ndim == 3 and array.shape[1] == 2
    elif isinstance(task.inputs, Tokens):
        expected = "token ids, (batch, time)"
        fits = array.ndim == 2
    else:
        expected = f"channels, (batch, time, {task.inputs.width})"
        fits = array.ndim == 3 and array.shape[2] == task.inputs.width
    time = 2 if task.head == "match" else 1
    if not fits or not len(array) or array.shape[time] < least:
        expected += f" with at least {least} steps" if least > 1 else ""
        raise InputError("api.input-shape", expected=expected, found=array.shape)
    return array


def as_time_step(x: ArrayLike, batch: int, task: Task) -> Numbers:
    """Return one time step of all sequences, (B,) or (B, F); a batch of one may be left out.

    Raises:
      InputError: the type, shape or range is not the task's.
    """
    array = _as_numbers(x, task)
    width = () if isinstance(task.inputs, Tokens) else (task.inputs.width,)
    if batch == 1 and array.shape == width:
        array = array[None]
    if array.shape != (batch, *width):
        raise InputError(
            "api.input-shape", expected=f"one time step, {(batch, *width)}", found=array.shape
        )
    return array


def as_lengths(lengths: ArrayLike | None, inputs: Numbers, task: Task) -> NDArray[np.int32]:
    """Return the valid steps of each sequence, (B,) or (B, 2); without lengths all steps.

    Raises:
      InputError: the shape is wrong, or a length lies outside of 1 and the number of steps.
    """
    shape = (len(inputs), *task.documents)
    steps = inputs.shape[len(shape)]
    if lengths is None:
        return np.full(shape, steps, np.int32)
    array = np.asarray(lengths)
    whole = np.issubdtype(array.dtype, np.integer)
    if not whole or array.shape != shape or array.min() < 1 or array.max() > steps:
        found = f"{array.dtype} {array.shape}"
        if whole and array.size:
            found += f" from {array.min()} to {array.max()}"
        raise InputError("api.input-lengths", shape=shape, least=1, most=steps, found=found)
    return array.astype(np.int32)


def _as_numbers(x: ArrayLike, task: Task) -> Numbers:
    """Return tokens or channels in the smallest type that holds what the task stores."""
    array = np.asarray(x)
    is_tokens = isinstance(task.inputs, Tokens)
    whole = np.issubdtype(array.dtype, np.integer) or array.dtype == np.bool_
    if not whole and (is_tokens or not np.issubdtype(array.dtype, np.floating)):
        expected = "whole numbers" if is_tokens else "numbers"
        raise InputError("api.input-type", expected=expected, found=array.dtype)
    highest = task.inputs.width - 1 if isinstance(task.inputs, Tokens) else task.inputs.scale
    # A comparison with NaN is false.
    if array.size and not (array.min() >= 0 and array.max() <= highest):
        found = f"{array.min():g} to {array.max():g}"
        raise InputError("api.input-range", highest=f"{highest:g}", found=found)
    if not whole:
        return array.astype(np.float32)
    return array.astype(np.uint8 if highest <= np.iinfo(np.uint8).max else np.uint16)
