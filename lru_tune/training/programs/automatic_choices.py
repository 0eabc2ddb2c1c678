"""What `auto` stands for in a run, settled before its programs are built."""

import logging
import math
import os
from functools import cache

import jax

from lru_tune.config.schema import DiagonalRecurrence, RunConfig
from lru_tune.ops.autotune.scan_backend import Size, choose_backend
from lru_tune.ops.fused_layer import CHUNK
from lru_tune.ops.layers import LAYERS, choose_layer
from lru_tune.ops.native.block import BlockEngine
from lru_tune.ops.native.calls import demand_native, native_obstacle
from lru_tune.ops.precision import demand_matmul
from lru_tune.ops.scan.linear_scan import resolve_backend
from lru_tune.tasks import find_task
from lru_tune.training.programs.memory import (
    Memory,
    activation_bytes,
    memory_of_cores,
    resolve_memory,
)

logger = logging.getLogger(__name__)

choose_once = cache(choose_backend)  # so that a process says once what it chose
choose_layer_once = cache(choose_layer)


def settled(config: RunConfig) -> RunConfig:
    """Return the configuration with the block, scan and use of memory that this process's device calls for.

    Raises:
      ConfigError, ResourcesMissing: what was named does not run here.
    """
    demand_matmul(config.runtime.matmul)
    block = choose_block(config)
    scan, states = _recurrence(config, block)
    changes = {"scan": scan, "states": states, "block": block, "memory": _memory(config, block)}
    return config.model_copy(update={"runtime": config.runtime.model_copy(update=changes)})


def _recurrence(config: RunConfig, block: BlockEngine) -> tuple[str, str]:
    """Return the scan, and what becomes of the states."""
    scan = config.runtime.scan
    states: str = config.runtime.states
    if states == "fused":
        LAYERS[states].demand(config.model.d_model)
        return "pallas", states
    if block == "native":
        return "native", states  # its own
    if not isinstance(config.model.recurrence, DiagonalRecurrence):
        return resolve_backend(scan), states  # recorded, but a dense recurrence has no use for it
    chosen = choose_once(scan, scan_size(config))
    undecided = scan == "auto" and states == "recomputed"
    if undecided and jax.default_backend() == "gpu" and config.runtime.matmul == "bf16":
        states = choose_layer_once(sequence_size(config), config.model.d_model, chosen)
    return ("pallas" if states == "fused" else chosen), states


def choose_block(config: RunConfig) -> BlockEngine:
    """Return how blocks are computed here: `auto` is native on a CPU that can build it, for what it does.

    Raises:
      ConfigError, ResourcesMissing: `native` was named, and there is none here.
    """
    asked = config.runtime.block
    if asked == "native":
        demand_native()
        return "native"
    if asked == "jax" or jax.default_backend() != "cpu" or config.native_misfit() is not None:
        return "jax"
    return "jax" if obstacle_once() else "native"


@cache
def obstacle_once() -> str | None:
    """Return why this process has no native block; it says so once."""
    obstacle = native_obstacle()
    if obstacle is not None:
        logger.info("block: jax; native would be faster, but: %s", obstacle)
    return obstacle


def _memory(config: RunConfig, block: BlockEngine) -> Memory:
    size = scan_size(config)
    needed = activation_bytes(config.model, size.batch, size.length, block)
    return settle_memory(config.runtime.memory, needed, device_memory())


@cache
def settle_memory(memory: Memory, needed: int, available: int | None) -> Memory:
    """Return what `resolve_memory` does; a process says once where `auto` came to save memory."""
    chosen = resolve_memory(memory, needed, available)
    if chosen != memory and chosen == "grouped":
        logger.warning(
            "a training step would keep about %.1f GB of %.1f GB: the batch is gone through in groups, "
            "in a fifth of the memory and about a third more time (runtime.memory: grouped)",
            needed / 1e9,
            (available or 0) / 1e9,
        )
    return chosen


def device_memory() -> int | None:
    """Return the bytes that this process may use of its device, or of the machine's if that is a CPU."""
    device = jax.devices()[0]
    if device.platform == "cpu":
        return memory_of_cores(int(os.environ.get("NPROC", os.cpu_count() or 1)))
    stats = device.memory_stats()
    return None if stats is None else int(stats["bytes_limit"])


def sequence_size(config: RunConfig) -> Size:
    """Return the size of the layers' states in a training step, for the task's longest sequences."""
    task = find_task(config.task)
    length = min(task.max_length, config.data.max_length or task.max_length)
    return Size(length, config.data.batch_size * math.prod(task.documents), config.model.d_hidden)


def scan_size(config: RunConfig) -> Size:
    """Return the size of the scans of a training step, where need be of a chunk of its sequences."""
    size = sequence_size(config)
    if config.runtime.states != "recomputed":
        return size
    return size._replace(length=min(size.length, CHUNK))
