"""How much memory a training step keeps for its backward pass, and how many groups make it fit."""

import os
from pathlib import Path
from typing import Literal

from lru_tune.config.schema import ModelConfig

Memory = Literal["auto", "plain", "grouped"]

CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
FLOAT = 4  # bytes
# Arrays that a layer keeps for each step and sequence: of 2N floats, and of H floats.
PLANES = {"jax": (3, 8), "native": (1, 4)}
LEAST_GROUPS = 4  # with more groups, what is kept between the layers outweighs what a group needs
SHARE = 0.6  # of a device's memory; the rest is for data, parameters and their moments


def activation_bytes(
    config: ModelConfig, sequences: int, length: int, block: Literal["jax", "native"] = "jax"
) -> int:
    """Estimate the bytes that a training step keeps for its backward pass without any saving.

    Args:
      config: the network.
      sequences: in a batch; two documents count as two.
      length: T.
      block: what computes the blocks.
    """
    of_states, of_model = PLANES[block]
    states = (2 if config.bidirectional else 1) * of_states * 2 * config.d_hidden
    step = FLOAT * (states + of_model * config.d_model)
    return config.n_layers * length * sequences * step


def resolve_memory(memory: Memory, needed: int, available: int | None) -> Memory:
    """Return `plain` or `grouped`; `auto` is `grouped` if a plain step would not fit in SHARE of the memory.

    Args:
      memory: as configured.
      needed: bytes, see `activation_bytes`.
      available: bytes of memory; None if unknown, and then `auto` is `plain`.
    """
    if memory != "auto":
        return memory
    return "plain" if available is None or needed <= SHARE * available else "grouped"


def group_count(sequences: int) -> int:
    """Return the number of equal groups that a batch of this many sequences is divided into."""
    return next((g for g in range(LEAST_GROUPS, sequences) if sequences % g == 0), sequences)


def memory_of_cores(cores: int, limit: Path = CGROUP_LIMIT) -> int:
    """Return the share of this machine's memory, in bytes, that goes with a number of its cores.

    Args:
      cores: that this process may use.
      limit: file with the memory limit of a container, in bytes, or `max`.
    """
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    allowed = limit.read_text().strip() if limit.is_file() else "max"
    total = total if allowed == "max" else min(total, int(allowed))
    return total * cores // max(cores, os.cpu_count() or 1)
