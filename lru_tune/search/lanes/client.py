"""LaneTraining: trains a trial's run in a lane of a LaneServer; a client of that actor."""

import logging
import time
import zlib
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayActorError

from lru_tune.config.schema import RunConfig
from lru_tune.errors import LruTuneError
from lru_tune.files import run_directory as runs
from lru_tune.files.run_directory import Report
from lru_tune.search.lanes.server import Answer, Lease
from lru_tune.training.run_status import recorded_status
from lru_tune.training.trackers.tracker import Tracker

logger = logging.getLogger(__name__)

WAIT_SECONDS = 0.2  # between two requests for a lane
RESTART_SECONDS = 300.0  # a server that is restarted answers within this time


class LaneTraining:
    """The functions of `lru_tune.training.loop`, executed by lane servers; this process never loads JAX.

    Attributes:
      servers: names of the servers' actors.
      lanes: of each.
    """

    def __init__(self, servers: Sequence[str], lanes: int) -> None:
        self.servers = tuple(servers)
        self.lanes = lanes

    def train(
        self, config: RunConfig, *, data_root: Path, run_dir: Path, trackers: Sequence[Tracker] = ()
    ) -> Generator[Report]:
        """Train a run in the first free lane; like `lru_tune.training.loop.train`.

        Raises:
          RayActorError: the server was lost; another attempt continues from the run's checkpoint.
        """
        run = RemoteRun(self, config, run_dir)
        with recorded_status(run.finish, run.config, run_dir, trackers) as record:
            while run.step < run.length.steps:
                report = run.next_report()
                record(report)
                yield report

    def evaluate_test(self, run_dir: Path, *, data_root: Path) -> dict[str, float]:
        """Evaluate the test split; like `lru_tune.training.loop.evaluate_test`."""
        chosen = zlib.crc32(run_dir.name.encode()) % len(self.servers)
        server: Any = ray.get_actor(self.servers[chosen])
        metrics: dict[str, float] = ray.get(server.evaluate_test.remote(str(run_dir)))
        return metrics


class RemoteRun:
    """A run in a lane of a server.

    Attributes:
      config: with `steps` and `eval_every` resolved.
      length: of the run.
      step: of the last report.
    """

    def __init__(self, training: LaneTraining, config: RunConfig, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._server, lease = _wait_for_lane(training, config, run_dir)
        self._ticket = lease.ticket
        self.config, self.length, self.step = lease[1:]

    def next_report(self) -> Report:
        """Ask for the next report and wait for it; raise Diverged where there is none."""
        answer: Answer = ray.get(self._server.next_report.remote(self._ticket))
        for text in answer.warnings:
            logger.warning("%s", text)
        if isinstance(answer.outcome, LruTuneError):
            raise answer.outcome
        self.step = answer.outcome.step
        return answer.outcome

    def finish(self, status: runs.Status, **fields: Any) -> None:
        """Free the lane and write result.json."""
        try:
            ray.get(self._server.release.remote(self._ticket, status, fields))
        except RayActorError:
            if status != "interrupted":  # a lost server has nothing to close
                raise
            logger.warning("%s: its lane server is lost", self._run_dir.name)


def _wait_for_lane(training: LaneTraining, config: RunConfig, run_dir: Path) -> tuple[Any, Lease]:
    """Take a lane of the server that has the fewest in use; wait until one is free.

    Raises:
      LruTuneError: the run cannot be opened.
      RayActorError: no server answered within RESTART_SECONDS.
    """
    run = config.model_dump(mode="json")
    deadline = time.monotonic() + RESTART_SECONDS
    while True:
        try:
            servers: list[Any] = [ray.get_actor(name) for name in training.servers]
            in_use = ray.get([server.lanes_in_use.remote() for server in servers])
            server = servers[in_use.index(min(in_use))]
            requested = server.request_lane.remote(run, str(run_dir), training.lanes)
            lease: Lease | LruTuneError | None = ray.get(requested)
        except ActorUnavailableError:  # it is restarting
            if time.monotonic() > deadline:
                raise
            lease = None
        if isinstance(lease, LruTuneError):
            raise lease
        if lease is not None:
            return server, lease
        time.sleep(WAIT_SECONDS)
