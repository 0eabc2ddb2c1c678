"""Starting Ray, or joining a running cluster, and leaving it again."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray

from lru_tune.errors import ResourcesMissing
from lru_tune.search.ray.process_groups import started_apart
from lru_tune.search.ray.resources import Machine
from lru_tune.system.signals import ended_by_request
from lru_tune.system.worker_environment import worker_environment

OBJECT_STORE_BYTES = 100 * 2**20  # trials exchange only numbers; Ray reserves a third of the memory

ENVIRONMENT = {
    # Otherwise a trial that asked for no GPU sees all GPUs, and JAX reserves their memory.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    # Ray's memory monitor would end the whole search instead of one worker.
    "RAY_memory_monitor_refresh_ms": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    # A search resumes from its journal and run directories, not from Ray's checkpoints.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}


@contextmanager
def ray_cluster(address: str | None) -> Iterator[Machine]:
    """Start Ray on this machine or join a cluster; yield its resources; leave it at the end.

    Signals to this process's group, such as those of `timeout` or of a closing terminal, do not reach Ray's
    processes: only this process handles them, and Ray must keep running until the search has ended.

    Args:
      address: of a running cluster, or `auto`; None starts a new cluster, even if another one is running.

    Raises:
      ResourcesMissing: no cluster answers at the address, or this process uses Ray already.
    """
    if ray.is_initialized():
        raise ResourcesMissing("search.ray-in-use")
    os.environ.update({name: os.environ.get(name, value) for name, value in ENVIRONMENT.items()})
    for name in ("ray", "ray.tune"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with ended_by_request():  # restores the handlers afterwards, whatever Ray does to them
        _start(address)
        with ended_by_request():  # once more: Ray has installed its own handlers
            try:
                found = ray.cluster_resources()
                yield Machine(int(found.get("CPU", 0)), int(found.get("GPU", 0)))
            finally:
                ray.shutdown()


def _start(address: str | None) -> None:
    local: dict[str, Any] = {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    environment = worker_environment() | {"RAY_CHDIR_TO_TRIAL_DIR": "0"}
    try:
        with started_apart():
            ray.init(
                address=address or "local",
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                runtime_env={"env_vars": environment},
                **({} if address else local),
            )
    except ConnectionError as error:
        raise ResourcesMissing("search.no-cluster", address=address, cause=error) from error
    except SystemExit as error:  # Ray turns SIGTERM into SystemExit while it starts
        raise KeyboardInterrupt from error
