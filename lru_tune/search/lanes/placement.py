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
from lru_tune.search.ray.resources import Allotment
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
def places(allotment: Allotment, worker: WorkerSettings, example: RunConfig) -> Iterator[Places]:
    """Start the lane servers of an allotment, if it has any, for the time of some trials.

    Args:
      allotment: what was decided.
      worker: what all trials share.
      example: a run like the others, by whose memory lanes are counted where that decides.
    """
    if not allotment.servers:
        yield Places(allotment.cpus, allotment.gpus, worker, allotment.concurrent)
        return
    names = tuple(f"lanes-{uuid.uuid4().hex[:8]}-{n}" for n in range(allotment.servers))
    actor = ray.remote(LaneServer)
    servers: list[Any] = [
        actor.options(
            name=name,
            # What the clients take is left over, also where one server has the whole machine.
            num_cpus=allotment.cpus - allotment.lanes * CLIENT_CPUS,
            num_gpus=allotment.gpus,
            max_restarts=-1,
            max_concurrency=allotment.lanes + SPARE_THREADS,
        ).remote(worker.data_root, cpus=allotment.cpus, gpus=allotment.gpus)
        for name in names
    ]
    try:
        lanes = allotment.lanes
        if allotment.lanes_by == "memory":
            run = example.model_dump(mode="json")
            lanes = min(ray.get([server.fitting.remote(run, lanes) for server in servers]))
            logger.info("%d lanes on each of %d devices", lanes, len(servers))
        concurrent = min(allotment.concurrent, lanes * len(servers))
        yield Places(CLIENT_CPUS, 0.0, replace(worker, servers=names, lanes=lanes), concurrent)
        ray.wait(
            [server.close.remote() for server in servers],
            num_returns=len(servers),
            timeout=CLOSE_SECONDS,
        )
    finally:
        for server in servers:
            ray.kill(server)
