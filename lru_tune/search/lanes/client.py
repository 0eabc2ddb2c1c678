"""A run in a lane of a LaneServer, as its trial sees it: the interface of `lru_tune.training.loop`."""

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
from lru_tune.search.lanes.server import Admission, Told
from lru_tune.training.run_status import recorded_status
from lru_tune.training.trackers.tracker import Tracker

logger = logging.getLogger(__name__)

WAIT_SECONDS = 0.2  # between two askings for a lane
RESTART_SECONDS = 300.0  # a server that is started anew answers within


class LaneTraining:
    """What `lru_tune.training.loop` offers, done by lane servers; this process never loads JAX.

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
        """Train a run in the first lane that is free; as `lru_tune.training.loop.train`.

        Raises:
          RayActorError: the server was lost; another attempt goes on from the run's checkpoint.
        """
        run = DistantRun(self, config, run_dir)
        with recorded_status(run.finish, run.config, run_dir, trackers) as record:
            while run.step < run.length.steps:
                report = run.next_report()
                record(report)
                yield report

    def evaluate_test(self, run_dir: Path, *, data_root: Path) -> dict[str, float]:
        """Read the test split once; as `lru_tune.training.loop.evaluate_test`."""
        anyone = zlib.crc32(run_dir.name.encode()) % len(self.servers)
        server: Any = ray.get_actor(self.servers[anyone])
        metrics: dict[str, float] = ray.get(server.evaluate_test.remote(str(run_dir)))
        return metrics


class DistantRun:
    """A run in a lane of a server.

    Attributes:
      config: with `steps` and `eval_every` resolved.
      length: of the run.
      step: of the last report.
    """

    def __init__(self, training: LaneTraining, config: RunConfig, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._server, admission = _lane_for(training, config, run_dir)
        self._ticket = admission.ticket
        self.config, self.length, self.step = admission[1:]

    def next_report(self) -> Report:
        """Ask for the next report and wait for it; raise Diverged where there is none."""
        told: Told = ray.get(self._server.next_report.remote(self._ticket))
        for text in told.warnings:
            logger.warning("%s", text)
        if isinstance(told.outcome, LruTuneError):
            raise told.outcome
        self.step = told.outcome.step
        return told.outcome

    def finish(self, status: runs.Status, **fields: Any) -> None:
        """Free the lane and have result.json written."""
        try:
            ray.get(self._server.release.remote(self._ticket, status, fields))
        except RayActorError:
            if status != "interrupted":  # a lost server has nothing of it to end
                raise
            logger.warning("%s: its lane server is lost", self._run_dir.name)


def _lane_for(training: LaneTraining, config: RunConfig, run_dir: Path) -> tuple[Any, Admission]:
    """Wait for a free lane and take it, on the server with the most of them.

    Raises:
      LruTuneError: the run cannot be opened.
      RayActorError: no server has answered for long.
    """
    run = config.model_dump(mode="json")
    deadline = time.monotonic() + RESTART_SECONDS
    while True:
        try:
            servers: list[Any] = [ray.get_actor(name) for name in training.servers]
            taken = ray.get([server.taken.remote() for server in servers])
            _, first = min(zip(taken, range(len(servers)), strict=True))
            submitted = servers[first].submit.remote(run, str(run_dir), training.lanes)
            answer: Admission | LruTuneError | None = ray.get(submitted)
        except ActorUnavailableError:  # being started anew
            if time.monotonic() > deadline:
                raise
            answer = None
        if isinstance(answer, LruTuneError):
            raise answer
        if answer is not None:
            return servers[first], answer
        time.sleep(WAIT_SECONDS)
