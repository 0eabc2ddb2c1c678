"""What the process of one run needs before JAX is imported: threads, device, memory share, cache.

Only the standard library is imported here. JAX reads these settings once, at its first import or first
use, so that `prepare_process` comes first in every process that trains.
"""

import os
import sys
from pathlib import Path

from lru_tune.files.paths import compilation_cache

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
HUGE = ("glibc.malloc.hugetlb=1",)
KEEP_MEMORY = (
    "glibc.malloc.mmap_max=0",
    f"glibc.malloc.trim_threshold={2**40}",
    "glibc.malloc.arena_max=1",  # only the main arena has no limit to the size of a block
)
GPU_MEMORY = 0.9  # of a trial's share of a GPU; the rest is for the driver's own buffers


def prepare_process(*, cpus: float, gpus: float | None) -> None:
    """Set this process up for training.

    Args:
      cpus: cores it may use; XLA makes a thread for each.
      gpus: GPUs it owns; a fraction limits the memory that JAX takes, 0 keeps JAX on the CPU,
        None leaves the choice of devices to JAX.
    """
    os.environ.update(training_environment(cpus=cpus, gpus=gpus))


def training_environment(*, cpus: float, gpus: float | None) -> dict[str, str]:
    """Return the variables that `prepare_process` sets."""
    cache = compilation_cache()
    environment = {
        # The only setting that XLA's CPU thread pool honours, see docs of tsl::port::NumSchedulableCPUs.
        "NPROC": str(max(1, int(cpus))),
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    if gpus == 0:
        environment["JAX_PLATFORMS"] = "cpu"
    elif gpus is not None and gpus < 1:
        environment["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{GPU_MEMORY * gpus:.3f}"
    return environment


def worker_environment() -> dict[str, str]:
    """Return the variables a worker must be born with, because its C library reads them at its start.

    XLA's CPU buffers come from malloc, one large block a step. glibc would give it back to the system after
    each step, to be cleared and mapped page by page in the next; kept, and in huge pages, it costs nothing.
    Another C library ignores all this.
    """
    huge = HUGE_PAGES.is_file() and "[never]" not in HUGE_PAGES.read_text()
    return {"GLIBC_TUNABLES": ":".join([*KEEP_MEMORY, *(HUGE if huge else ())])}


def become_worker() -> None:
    """Start this program again with `worker_environment` if it was not born with it."""
    missing = {k: v for k, v in worker_environment().items() if k not in os.environ}
    if missing:
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | missing)
