"""What `auto` stands for in a run, settled before its programs are built."""

import math
from functools import cache

from lru_tune.config.schema import DiagonalRecurrence, RunConfig
from lru_tune.ops.choice import Size, choose_backend
from lru_tune.ops.fused_layer import CHUNK
from lru_tune.ops.precision import demand_matmul
from lru_tune.ops.scan import resolve_backend
from lru_tune.tasks import find_task

choose_once = cache(choose_backend)  # so that a process says once what it chose


def settled(config: RunConfig) -> RunConfig:
    """Return the configuration with the back end of the scan that runs on this process's device.

    Raises:
      ConfigError, ResourcesMissing: what was named does not run here.
    """
    demand_matmul(config.runtime.matmul)
    scan = config.runtime.scan
    if isinstance(config.model.recurrence, DiagonalRecurrence):
        chosen = choose_once(scan, scan_size(config))
    else:
        chosen = resolve_backend(scan)  # recorded, but a dense recurrence has no use for it
    runtime = config.runtime.model_copy(update={"scan": chosen})
    return config.model_copy(update={"runtime": runtime})


def scan_size(config: RunConfig) -> Size:
    """Return the size of the scans of a training step, for the task's longest sequences."""
    task = find_task(config.task)
    length = min(task.max_length, config.data.max_length or task.max_length)
    if config.runtime.states == "recomputed":
        length = min(length, CHUNK)
    return Size(length, config.data.batch_size * math.prod(task.documents), config.model.d_hidden)
