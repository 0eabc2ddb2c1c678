"""Environment variables of a process that trains: threads, device, share of memory, cache.

JAX reads them once, at its import or first use, so that `prepare_process` must be called before. Nothing
here imports JAX.
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
    "glibc.malloc.arena_max=1",  # only the main arena has no limit on the size of a block
)
GPU_MEMORY = 0.9  # of a trial's share of a GPU; the driver's own buffers need the rest


def prepare_process(*, cpus: float, gpus: float | None) -> None:
    """Set this process up for training.

    Args:
      cpus: cores it may use; XLA starts a thread for each.
      gpus: GPUs it owns; a fraction limits the memory that JAX takes, 0 keeps JAX on the CPU,
        None lets JAX choose its devices.
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
    """Return the variables that a worker must be started with, because its C library reads them at startup.

    XLA's CPU buffers come from malloc, one large block in each step. By default glibc returns the block to
    the system after the step, and the next step maps and clears it again, page by page. Kept, and in huge
    pages, it costs nothing. Other C libraries ignore these variables.
    """
    huge = HUGE_PAGES.is_file() and "[never]" not in HUGE_PAGES.read_text()
    return {"GLIBC_TUNABLES": ":".join([*KEEP_MEMORY, *(HUGE if huge else ())])}


def become_worker() -> None:
    """Start this program again with `worker_environment`, if it was started without it."""
    missing = {k: v for k, v in worker_environment().items() if k not in os.environ}
    if missing:
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | missing)
