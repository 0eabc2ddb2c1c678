"""What `auto` stands for in a run, resolved once before its programs are built."""

import logging
import math
import os
from functools import cache

import jax

from lru_tune.config.schema import DiagonalRecurrence, RunConfig
from lru_tune.ops.autotune.measure import Size
from lru_tune.ops.autotune.scan_backend import resolve_scan
from lru_tune.ops.native.block import BlockEngine, Keep
from lru_tune.ops.native.calls import native_obstacle, require_native
from lru_tune.ops.precision import require_matmul
from lru_tune.ops.recomputed_states import CHUNK
from lru_tune.ops.scan.linear_scan import SCAN_BACKENDS, resolve_backend
from lru_tune.ops.states import ComputeMethod
from lru_tune.tasks import find_task
from lru_tune.training.programs.memory import (
    Memory,
    activation_bytes,
    group_count,
    memory_of_cores,
    resolve_memory,
)

logger = logging.getLogger(__name__)


def resolve_auto(config: RunConfig) -> RunConfig:
    """Return the configuration with the block, scan and memory that suit this process's device.

    Raises:
      ConfigError, ResourcesMissing: what is named does not run here.
    """
    require_back_ends(config)
    block = resolve_block(config)
    changes = {
        "scan": _scan(config, block),
        "block": block,
        "memory": _memory(config, block),
    }
    return config.model_copy(update={"runtime": config.runtime.model_copy(update=changes)})


def require_back_ends(config: RunConfig) -> None:
    """Check that everything that `runtime` names runs in this process; C++ is built and made known to JAX.

    Raises:
      ConfigError, ResourcesMissing: it does not; nothing else takes its place.
    """
    require_matmul(config.runtime.matmul)
    if config.runtime.scan != "auto":
        SCAN_BACKENDS[config.runtime.scan].require()
    if config.runtime.block == "native":
        require_native()


def compute_method(config: RunConfig) -> ComputeMethod:
    """Return how the network of a resolved configuration is computed; an `auto` left over is the default."""
    runtime = config.runtime
    sequences = config.data.batch_size * math.prod(find_task(config.task).documents)
    groups = group_count(sequences) if runtime.memory == "grouped" else 1
    keep: Keep = "entering" if groups > 1 or runtime.states == "recomputed" else "values"
    native = runtime.block == "native"
    return ComputeMethod(
        states="online" if config.optim.algorithm == "rtrl" else runtime.states,
        scan=runtime.scan,
        online_sums=runtime.rtrl_sums,
        native=keep if native else None,
        groups=1 if native else groups,  # what C++ computes again needs no groups
    )


def resolve_block(config: RunConfig) -> BlockEngine:
    """Return how blocks are computed: `auto` is native on a CPU that can build it, where it applies."""
    asked = config.runtime.block
    if asked != "auto":
        return asked
    if jax.default_backend() != "cpu" or config.unsupported_by_native_block():
        return "jax"
    return "jax" if _native_obstacle() else "native"


@cache
def _native_obstacle() -> str | None:
    """Return why this process has no native block; log it once."""
    obstacle = native_obstacle()
    if obstacle is not None:
        logger.info("block: jax; native would be faster, but: %s", obstacle)
    return obstacle


def _scan(config: RunConfig, block: BlockEngine) -> str:
    if block == "native":
        return "native"  # its own
    if not isinstance(config.model.recurrence, DiagonalRecurrence):
        # Recorded, but a dense recurrence does not use it.
        return resolve_backend(config.runtime.scan)
    return _resolve_scan(config.runtime.scan, scan_size(config))


_resolve_scan = cache(resolve_scan)  # logs once a process what it chose


def _memory(config: RunConfig, block: BlockEngine) -> Memory:
    size = scan_size(config)
    needed = activation_bytes(config.model, size.batch, size.length, block)
    return _resolve_memory(config.runtime.memory, needed, device_memory())


@cache
def _resolve_memory(memory: Memory, needed: int, available: int | None) -> Memory:
    """Do what `resolve_memory` does, and warn once where `auto` saves memory."""
    chosen = resolve_memory(memory, needed, available)
    if chosen != memory and chosen == "grouped":
        logger.warning(
            "a training step would keep about %.1f GB of %.1f GB: each batch goes through the network in "
            "groups, in a fifth of the memory and about a third more time (runtime.memory: grouped)",
            needed / 1e9,
            (available or 0) / 1e9,
        )
    return chosen


def device_memory() -> int | None:
    """Return the bytes that this process may use of its device; None if the device does not say.

    On a CPU it is this process's share of the machine's memory, by cores.
    """
    device = jax.devices()[0]
    if device.platform == "cpu":
        return memory_of_cores(int(os.environ.get("NPROC", os.cpu_count() or 1)))
    stats = device.memory_stats()
    return None if stats is None else int(stats["bytes_limit"])


def scan_size(config: RunConfig) -> Size:
    """Return the size of a training step's scans for the task's longest sequences.

    Where states are recomputed it is that of one chunk of time.
    """
    task = find_task(config.task)
    length = min(task.max_length, config.data.max_length or task.max_length)
    if config.runtime.states == "recomputed":
        length = min(length, CHUNK)
    return Size(length, config.data.batch_size * math.prod(task.documents), config.model.d_hidden)
