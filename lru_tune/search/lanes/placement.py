"""Where trials train: each in a process of its own, or many in the lanes of a few servers."""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import ray

from lru_tune.config.schema import RunConfig
from lru_tune.search.lanes.server import LaneServer
from lru_tune.search.ray.resources import Allocation
from lru_tune.search.ray.trainable import WorkerSettings

logger = logging.getLogger(__name__)

CLIENT_CPUS = 0.001  # of a trial whose lane server trains it; it only waits
SPARE_THREADS = 16  # of a server, in addition to one for the client of each lane
CLOSE_SECONDS = (
    15.0  # that a server has to close its runs; one that is compiling has little to lose
)


class Placement(NamedTuple):
    """The resources that a trial asks Ray for, its settings, and how many trials run at once."""

    cpus: float
    gpus: float
    worker: WorkerSettings
    concurrent: int


@contextmanager
def placed(
    allocation: Allocation, worker: WorkerSettings, example: RunConfig
) -> Iterator[Placement]:
    """Start the lane servers of an allocation, if it has any, and stop them afterwards.

    Args:
      allocation: resources of the trials.
      worker: settings that all trials share.
      example: one of the runs, used to measure how many lanes fit into memory.
    """
    if not allocation.servers:
        yield Placement(allocation.cpus, allocation.gpus, worker, allocation.concurrent)
        return
    names = tuple(f"lanes-{uuid.uuid4().hex[:8]}-{n}" for n in range(allocation.servers))
    actor = ray.remote(LaneServer)
    servers: list[Any] = [
        actor.options(
            name=name,
            # The rest is for the clients, even if one server has the whole machine.
            num_cpus=allocation.cpus - allocation.lanes * CLIENT_CPUS,
            num_gpus=allocation.gpus,
            max_restarts=-1,
            max_concurrency=allocation.lanes + SPARE_THREADS,
        ).remote(worker.data_root, cpus=allocation.cpus, gpus=allocation.gpus)
        for name in names
    ]
    try:
        lanes = allocation.lanes
        if allocation.lanes_by == "memory":
            run = example.model_dump(mode="json")
            lanes = min(ray.get([server.lanes_that_fit.remote(run, lanes) for server in servers]))
            logger.info("%d lanes on each of %d devices", lanes, len(servers))
        concurrent = min(allocation.concurrent, lanes * len(servers))
        yield Placement(CLIENT_CPUS, 0.0, replace(worker, servers=names, lanes=lanes), concurrent)
        ray.wait(
            [server.close.remote() for server in servers],
            num_returns=len(servers),
            timeout=CLOSE_SECONDS,
        )
    finally:
        for server in servers:
            ray.kill(server)
