"""Where trials are trained: each in a process of its own, or many in the lanes of a few servers."""

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

CLIENT_CPUS = 0.001  # of a trial in a lane, which only waits
SPARE_THREADS = 16  # of a server, beside one for each lane's client
CLOSE_SECONDS = 15.0  # for a server to end what still runs; what compiles has little to lose


class Places(NamedTuple):
    """What a trial asks Ray for, what it is told, and how many run at once."""

    cpus: float
    gpus: float
    worker: WorkerSettings
    concurrent: int


@contextmanager
def places(allocation: Allocation, worker: WorkerSettings, example: RunConfig) -> Iterator[Places]:
    """Start the lane servers of an allocation, if it has any, for the time of some trials.

    Args:
      allocation: what was decided.
      worker: what all trials share.
      example: a run like the others, by whose memory lanes are counted where that decides.
    """
    if not allocation.servers:
        yield Places(allocation.cpus, allocation.gpus, worker, allocation.concurrent)
        return
    names = tuple(f"lanes-{uuid.uuid4().hex[:8]}-{n}" for n in range(allocation.servers))
    actor = ray.remote(LaneServer)
    servers: list[Any] = [
        actor.options(
            name=name,
            # What the clients take is left over, also where one server has the whole machine.
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
            lanes = min(ray.get([server.fitting.remote(run, lanes) for server in servers]))
            logger.info("%d lanes on each of %d devices", lanes, len(servers))
        concurrent = min(allocation.concurrent, lanes * len(servers))
        yield Places(CLIENT_CPUS, 0.0, replace(worker, servers=names, lanes=lanes), concurrent)
        ray.wait(
            [server.close.remote() for server in servers],
            num_returns=len(servers),
            timeout=CLOSE_SECONDS,
        )
    finally:
        for server in servers:
            ray.kill(server)
