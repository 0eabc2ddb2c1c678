"""Checks prepared arrays against their manifest and against what the task needs."""

import math
from pathlib import Path

import numpy as np

from lru_tune.data.manifest import SPLITS, Manifest, SplitName, sha256_of
from lru_tune.data.overlaps import Findings, find_overlaps
from lru_tune.data.store import PreparedTask, Split, open_task
from lru_tune.data.vocabulary import vocabulary_problems
from lru_tune.errors import DataDamaged
from lru_tune.tasks import Channels, Task, find_task

# How far the share of a class in another split may be from its share in train, in standard deviations of a
# random split; with ten classes, fewer than one correct data set in 50,000 goes beyond.
BALANCE_DEVIATIONS = 5.0
ROWS_AT_ONCE = 4096


def verify(root: Path, task: str) -> Findings:
    """Return the problems of a prepared task, and notes; reads every byte of it.

    Checks sizes, checksums, counts, shapes, value ranges, label histograms, the balance of labels between
    splits, and inputs that occur twice (`find_overlaps`).

    Raises:
      DataNotPrepared: the task has no arrays.
    """
    entry = find_task(task)
    try:
        prepared = open_task(entry.name, root)
    except DataDamaged as error:
        return Findings([str(error)], [])
    if problems := damaged_files(prepared):
        return Findings(problems, [])
    splits = {name: prepared.split(name) for name in SPLITS}
    for name, split in splits.items():
        problems += _misshapen(entry, prepared.manifest, name, split)
    problems += vocabulary_problems(entry, prepared.manifest)
    if problems:
        return Findings(problems, [])
    for name, split in splits.items():
        problems += _wrong_values(entry, prepared.manifest, name, split)
    overlaps = find_overlaps(prepared.manifest, splits)
    problems += _imbalances(prepared.manifest) + overlaps.problems
    return Findings(problems, overlaps.notes)


def damaged_files(prepared: PreparedTask) -> list[str]:
    """Return a problem for each file whose checksum is not the one in the manifest."""
    return [
        f"{prepared.folder / name}: its sha256 is not the manifest's; the file was changed"
        for name, record in prepared.manifest.files.items()
        if sha256_of(prepared.folder / name) != record["sha256"]
    ]


def _misshapen(task: Task, manifest: Manifest, name: SplitName, split: Split) -> list[str]:
    count = manifest.counts[name]
    channels = (task.inputs.width,) if isinstance(task.inputs, Channels) else ()
    outputs = (task.scored_steps, task.num_outputs) if task.head == "per_step" else ()
    expected = {
        "inputs": (count, *task.documents, task.max_length, *channels),
        "targets": (count, *outputs),
        "lengths": (count, *task.documents),
    }
    found = {part: array for part, array in split._asdict().items() if array is not None}
    if task.documents and split.lengths is None:
        return [f"{name}/lengths: missing; {task.name} needs the lengths of both documents"]
    return [
        f"{name}/{part}: expected unsigned integers of shape {expected[part]}, "
        f"got {array.dtype} of shape {array.shape}"
        for part, array in found.items()
        if array.shape != expected[part] or array.dtype.kind != "u"
    ]


def _wrong_values(task: Task, manifest: Manifest, name: SplitName, split: Split) -> list[str]:
    problems = []
    if isinstance(task.inputs, Channels):
        largest = int(task.inputs.scale)
    else:
        largest = len(manifest.vocabulary or ()) - 1
    if (found := int(split.inputs.max())) > largest:
        problems.append(f"{name}/inputs: expected values up to {largest}, got {found}")
    histogram = np.bincount(split.targets.ravel(), minlength=task.num_classes).tolist()
    if len(histogram) > task.num_classes:
        problems.append(
            f"{name}/targets: expected {task.num_classes} classes, got {len(histogram)}"
        )
    elif histogram != manifest.label_histogram[name]:
        problems.append(f"{name}/targets: the histogram {histogram} is not the one in the manifest")
    if split.lengths is not None:
        problems += _wrong_lengths(name, split.inputs, split.lengths)
    return problems


def _wrong_lengths(name: str, inputs: np.ndarray, lengths: np.ndarray) -> list[str]:
    width = inputs.shape[lengths.ndim]  # two documents have two lengths
    if lengths.min() < 1 or lengths.max() > width:
        return [f"{name}/lengths: expected 1 to {width}, got {lengths.min()} to {lengths.max()}"]
    for start in range(0, len(inputs), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        beyond = np.arange(width) >= lengths[rows][..., None]
        if inputs[rows][beyond].any():
            return [
                f"{name}/inputs: padding is not 0 in rows {start} to {start + ROWS_AT_ONCE - 1}"
            ]
    return []


def _imbalances(manifest: Manifest) -> list[str]:
    problems = []
    train = np.array(manifest.label_histogram["train"])
    for name in ("val", "test"):
        other = np.array(manifest.label_histogram[name])
        for label in range(len(train)):
            pooled = (train[label] + other[label]) / (train.sum() + other.sum())
            spread = math.sqrt(pooled * (1 - pooled) * (1 / train.sum() + 1 / other.sum()))
            shares = train[label] / train.sum(), other[label] / other.sum()
            if abs(shares[0] - shares[1]) > BALANCE_DEVIATIONS * spread:
                problems.append(
                    f"label {label}: its share is {shares[0]:.3f} in train, but {shares[1]:.3f} in {name}"
                )
    return problems
