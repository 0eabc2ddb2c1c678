"""The run directory: the contract between running and judging.

    config.yaml        the complete RunConfig, steps resolved
    metrics.csv        one line per report, columns METRICS_COLUMNS
    result.json        how the run stands, see `write_result`
    checkpoints/       last, previous and best parameters (written by `lru_tune.training.checkpoint`)

A directory without result.json belongs to a run that is under way or was killed. Every file is written
under a temporary name and renamed, so that a reader never sees half of one.
"""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml

from lru_tune.files.atomic import write_atomically

CONFIG_FILE = "config.yaml"
METRICS_FILE = "metrics.csv"
RESULT_FILE = "result.json"
CHECKPOINT_FOLDER = "checkpoints"
BEST_CHECKPOINT = "best.msgpack"
FORMAT_VERSION = 1

STEP = "step"
EPOCH = "epoch"
TRAIN_LOSS = "train/loss"
TRAIN_ACCURACY = "train/accuracy"
VAL_LOSS = "val/loss"
VAL_ACCURACY = "val/accuracy"
TEST_LOSS = "test/loss"
TEST_ACCURACY = "test/accuracy"
LEARNING_RATE = "lr"
SECONDS = "seconds"  # of training and evaluation so far, over all resumes
DEVICE_SECONDS = "device_seconds"  # its own of them, in result.json: runs in lanes divide theirs
COMPILE_SECONDS = "compile_seconds"  # parts of them, in lanes divided as well
TRAIN_SECONDS = "train_seconds"
EVAL_SECONDS = "eval_seconds"
PARTS_OF_SECONDS = (COMPILE_SECONDS, TRAIN_SECONDS, EVAL_SECONDS)
EXAMPLES_PER_SECOND = "examples_per_second"  # since the previous report
METRICS_COLUMNS = (
    STEP,
    EPOCH,
    TRAIN_LOSS,
    TRAIN_ACCURACY,
    VAL_LOSS,
    VAL_ACCURACY,
    LEARNING_RATE,
    SECONDS,
    EXAMPLES_PER_SECOND,
)

# libyaml where PyYAML was built with it: four times faster on a folder of many runs.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Mode = Literal["max", "min"]  # which values of a metric are better
BEST_OF = {"max": max, "min": min}

Status = Literal["completed", "stopped", "diverged", "failed", "interrupted"]
FINISHED: frozenset[str] = frozenset({"completed", "stopped", "diverged"})


def read_config(run_dir: Path) -> dict[str, Any]:
    """Return the mapping in config.yaml."""
    content: dict[str, Any] = yaml.load((run_dir / CONFIG_FILE).read_text(), Loader=_Loader)
    return content


def write_metrics(run_dir: Path, rows: list[dict[str, Any]]) -> None:
    """Write metrics.csv whole; reports are few, so that this stays cheap and atomic."""
    text = io.StringIO()
    writer = csv.DictWriter(text, METRICS_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(run_dir / METRICS_FILE, text.getvalue())


def read_metrics(run_dir: Path) -> list[dict[str, float]]:
    """Return the rows of metrics.csv as numbers (`step` as int); empty if there are none yet."""
    path = run_dir / METRICS_FILE
    if not path.is_file():
        return []
    with open(path, newline="") as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    return [row | {STEP: int(row[STEP])} for row in rows]


def best_report(reports: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the report whose parameters are kept: the best validation accuracy, the earliest of equals."""
    return max(reports, key=lambda report: report[VAL_ACCURACY])


def reports_summary(reports: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Return the fields of result.json that follow from the reports; empty without reports."""
    if not reports:
        return {}
    best, last = best_report(reports), reports[-1]
    return {
        "steps": last[STEP],
        "best_step": best[STEP],
        **{name: best[name] for name in (VAL_LOSS, VAL_ACCURACY)},
        SECONDS: last[SECONDS],
    }


def write_result(run_dir: Path, status: Status, **fields: Any) -> None:
    """Write result.json: format_version, status and the given fields.

    Fields in use: task, variant, seed, config_hash, config (complete, so that the file alone can be run
    again), steps (done), horizon (asked for), best_step, the metrics at best_step (val/loss,
    val/accuracy), test/loss and test/accuracy once read, seconds, device_seconds (as seconds, but of
    what lanes do together a run counts its part only, so that runs may be added up), of these
    compile_seconds, train_seconds and eval_seconds, error, device, scan (its back end), threads (of the
    CPU), versions, data (fingerprint of the prepared task).
    """
    content = {"format_version": FORMAT_VERSION, "status": status, **fields}
    write_atomically(run_dir / RESULT_FILE, json.dumps(content, indent=2) + "\n")


def read_result(run_dir: Path) -> dict[str, Any] | None:
    """Return the content of result.json, or None for a run that has not ended."""
    try:
        result: dict[str, Any] = json.loads((run_dir / RESULT_FILE).read_text())
    except FileNotFoundError:  # a continued run may remove it at any time
        return None
    return result


def update_result(run_dir: Path, **fields: Any) -> dict[str, Any]:
    """Merge fields into result.json and return the whole; the run must have ended."""
    result = read_result(run_dir)
    if result is None:
        raise FileNotFoundError(f"{run_dir / RESULT_FILE} is not there: the run has not ended")
    result |= fields
    result.pop("format_version")
    write_result(run_dir, **result)
    return read_result(run_dir) or {}


class Report(NamedTuple):
    """What a run says every `eval_every` steps.

    Attributes:
      step: optimiser steps done.
      metrics: the METRICS_COLUMNS, all finite.
      last: whether the run has reached its horizon; everything final is on disk by then.
    """

    step: int
    metrics: dict[str, float]
    last: bool
