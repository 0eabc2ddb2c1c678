"""How much memory a training step keeps for its backward pass, and how a batch is cut to need less."""

import os
from pathlib import Path
from typing import Literal

from lru_tune.config.schema import ModelConfig

Memory = Literal["auto", "plain", "grouped"]

CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
FLOAT = 4  # bytes
# What a layer keeps of a step and sequence: planes of 2N floats, and of H floats.
PLANES = {"jax": (3, 8), "native": (1, 4)}
LEAST_GROUPS = 4  # beyond, what is kept between the layers outweighs what a group needs
SHARE = 0.6  # of a device's memory; the rest is for data, parameters and their moments


def activation_bytes(
    config: ModelConfig, sequences: int, length: int, block: Literal["jax", "native"] = "jax"
) -> int:
    """Return about how many bytes a step keeps, when it keeps everything, for its backward pass.

    Args:
      config: the network.
      sequences: in a batch, documents counted singly.
      length: T.
      block: how blocks are computed.
    """
    of_states, of_model = PLANES[block]
    states = (2 if config.bidirectional else 1) * of_states * 2 * config.d_hidden
    step = FLOAT * (states + of_model * config.d_model)
    return config.n_layers * length * sequences * step


def resolve_memory(memory: Memory, needed: int, available: int | None) -> Memory:
    """Return `plain` or `grouped`; `auto` is grouped where a plain step would not fit.

    Args:
      memory: as configured.
      needed: bytes, as `activation_bytes` says.
      available: bytes of memory; None where that is not known, and then everything is kept.
    """
    if memory != "auto":
        return memory
    return "plain" if available is None or needed <= SHARE * available else "grouped"


def group_count(sequences: int) -> int:
    """Return into how many equal groups a batch of so many sequences is cut."""
    return next((g for g in range(LEAST_GROUPS, sequences) if sequences % g == 0), sequences)


def memory_of_cores(cores: int, limit: Path = CGROUP_LIMIT) -> int:
    """Return the bytes of this machine's memory that go with so many of its cores.

    Args:
      cores: that this process may use.
      limit: file with what a container is allowed, in bytes, or `max`.
    """
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    allowed = limit.read_text().strip() if limit.is_file() else "max"
    total = total if allowed == "max" else min(total, int(allowed))
    return total * cores // max(cores, os.cpu_count() or 1)
