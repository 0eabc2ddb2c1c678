"""LruTrial: the trainable that Ray's workers execute.

A trial is a run in its run directory. All attempts of a trial share the directory, also after a worker was
lost or the search was resumed: an attempt first repeats the reports that it finds there and then continues
training. So nothing is computed twice, and the scheduler receives every report.
"""

import importlib
import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from filelock import FileLock
from ray import tune

from lru_tune.config.schema import RunConfig
from lru_tune.errors import Diverged, LruTuneError
from lru_tune.files import run_directory as runs
from lru_tune.files.run_directory import Mode, Report
from lru_tune.search.lanes.client import LaneTraining
from lru_tune.search.ray.trial_keys import (
    ERROR,
    FINAL,
    NUMBER,
    REPORT,
    RUN,
    RUN_DIR,
    STATUS,
    WORKER,
)
from lru_tune.search.ray.worker_warnings import collect_warnings
from lru_tune.search.strategy.journal import RUNNING, WORST
from lru_tune.system.worker_environment import prepare_process

POINTER_FILE = "pointer.json"
LOCK_FILE = ".lock"
LOCK_SECONDS = 120  # by then the lost worker of an earlier attempt has died


@dataclass(frozen=True)
class WorkerSettings:
    """Settings that all trials of an experiment share.

    Attributes:
      data_root: folder of prepared tasks.
      metric, mode: the search's objective.
      cpus, gpus: of a trial.
      training: module with `train` and `evaluate_test`; imported in the worker, because it imports JAX.
      servers: names of the lane servers that train; empty if each trial trains in its own process.
      lanes: of each server.
      wandb, tensorboard, group: see `lru_tune.training.trackers.tracker.TrackerSettings`.
    """

    data_root: str
    metric: str
    mode: Mode
    cpus: float = 1.0
    gpus: float = 0.0
    training: str = "lru_tune.training.loop"
    wandb: Literal["off", "offline", "online"] = "off"
    tensorboard: bool = False
    group: str = ""
    servers: tuple[str, ...] = ()
    lanes: int = 1


class Training(Protocol):
    """Trains the run of a trial: the module `lru_tune.training.loop`, or `LaneTraining`."""

    def train(
        self, config: RunConfig, *, data_root: Path, run_dir: Path, trackers: Sequence[Any] = ()
    ) -> Generator[Report, None, None]:
        """Train a run to its end; yield its reports."""

    def evaluate_test(self, run_dir: Path, *, data_root: Path) -> dict[str, float]:
        """Evaluate the test split and add that to result.json."""


class LruTrial(tune.Trainable):
    """A run; each Ray step is one report. The process is reused for the next trial (`reset_config`)."""

    _reports: Generator[Report, None, None]
    _final: Callable[[], dict[str, float]]
    _step: int  # of the last report
    _count: int  # of the reports so far

    def setup(self, config: dict[str, Any]) -> None:
        """Prepare the process, once, and open the first run."""
        settings = WorkerSettings(**config[WORKER])
        prepare_process(cpus=settings.cpus, gpus=settings.gpus)
        self._warnings = collect_warnings()
        self._open(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Close the run and open another; imports, device and compiled programs are kept."""
        self._close()
        self._open(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Return the next report's metrics, the objective always finite."""
        try:
            report = next(self._reports)
            final = self._final() if report.last else {}
        except Diverged as error:
            return self._end("diverged", error.step, str(error))
        except LruTuneError as error:  # a retry would fail in the same way
            return self._end("failed", self._step, f"{type(error).__name__}: {error}")
        self._step = report.step
        self._count += 1
        status = "completed" if report.last else RUNNING
        metrics = {runs.STEP: report.step, REPORT: self._count, STATUS: status, "done": report.last}
        return report.metrics | final | metrics | self._warnings.take()

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Write the number of reports so far; the run directory holds everything else."""
        Path(checkpoint_dir, POINTER_FILE).write_text(json.dumps({"reports": self._count}))

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Skip the reports that were sent before the trial was paused."""
        self._count = json.loads(Path(checkpoint, POINTER_FILE).read_text())["reports"]
        for _ in range(self._count):
            self._step = next(self._reports).step

    def cleanup(self) -> None:
        """Close the run when the process ends."""
        self._close()

    def _open(self, config: dict[str, Any]) -> None:
        settings = WorkerSettings(**config[WORKER])
        run_dir = Path(config[RUN_DIR])
        run_dir.mkdir(parents=True, exist_ok=True)
        self._settings = settings
        self._number = config[NUMBER]
        self._count = self._step = 0
        self._lock = FileLock(run_dir / LOCK_FILE, timeout=LOCK_SECONDS)
        self._lock.acquire()
        run = RunConfig.model_validate(config[RUN])
        self._reports = all_reports(run, run_dir, settings)
        self._final = lambda: FINALS[config[FINAL]](run_dir, settings)

    def _close(self) -> None:
        self._reports.close()
        self._lock.release()

    def _end(self, status: str, step: int, error: str) -> dict[str, Any]:
        """Return the last result of a trial that gives up; its value is WORST."""
        self._step = max(step, self._step)
        self._count += 1
        objective = {self._settings.metric: WORST[self._settings.mode]}
        metrics = {runs.STEP: self._step, REPORT: self._count, STATUS: status, "done": True}
        return objective | metrics | {ERROR: error} | self._warnings.take()


def all_reports(
    run: RunConfig, run_dir: Path, settings: WorkerSettings
) -> Generator[Report, None, None]:
    """Yield the reports that a run directory holds, then those of further training.

    Raises:
      Diverged: the run diverges, or diverged in an earlier attempt.
    """
    past = runs.read_metrics(run_dir)
    status = (runs.read_result(run_dir) or {}).get("status")
    if status == "diverged":
        yield from (Report(int(row[runs.STEP]), row, last=False) for row in past)
        raise _divergence(run_dir)
    train = partial(
        _training(settings).train,
        run,
        data_root=Path(settings.data_root),
        run_dir=run_dir,
        trackers=_trackers(settings),
    )
    if past and status != "completed" and _at_its_end(run_dir, past):
        for _ in train():  # its worker was killed between its last report and its result
            pass
        status = "completed"
    for row in past:
        yield Report(int(row[runs.STEP]), row, last=status == "completed" and row is past[-1])
    if status != "completed":
        reported = past[-1][runs.STEP] if past else 0
        with closing(train()) as reports:
            # The newest checkpoint may be older than the last report.
            yield from (report for report in reports if report.step > reported)


def _at_its_end(run_dir: Path, past: list[dict[str, float]]) -> bool:
    return past[-1][runs.STEP] == runs.read_config(run_dir)["steps"]


def _divergence(run_dir: Path) -> Diverged:
    result = runs.read_result(run_dir) or {}
    return Diverged(result["steps"] + 1, result["error"].rpartition(" in ")[2])


def _training(settings: WorkerSettings) -> Training:
    if settings.servers:
        return LaneTraining(settings.servers, settings.lanes)
    return cast(Training, importlib.import_module(settings.training))


def _trackers(settings: WorkerSettings) -> tuple[Any, ...]:
    if settings.wandb == "off" and not settings.tensorboard:
        return ()
    from lru_tune.training.trackers.tracker import TrackerSettings, make_trackers

    return make_trackers(TrackerSettings(settings.wandb, settings.tensorboard, settings.group))


def _nothing(_run_dir: Path, _settings: WorkerSettings) -> dict[str, float]:
    return {}


def _test(run_dir: Path, settings: WorkerSettings) -> dict[str, float]:
    """Evaluate the test split, once, with the parameters that were best on validation."""
    result = runs.read_result(run_dir) or {}
    if runs.TEST_ACCURACY in result:
        return {name: result[name] for name in (runs.TEST_LOSS, runs.TEST_ACCURACY)}
    return _training(settings).evaluate_test(run_dir, data_root=Path(settings.data_root))


# A search ends its trials with "validation" and so never opens the test split.
FINALS: dict[str, Callable[[Path, WorkerSettings], dict[str, float]]] = {
    "validation": _nothing,
    "test": _test,
}
