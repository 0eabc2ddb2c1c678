"""Weights & Biases: one run per trial, grouped by experiment. A bad line is a warning and ends offline.

What a process learns about its line to the server it learns once: a search of many short trials waits for
a dead network at its first trial, not at each.
"""

import functools
import logging
import os
import socket
import time
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any, Literal

from lru_tune.config.schema import RunConfig, flatten
from lru_tune.files import run_directory as runs
from lru_tune.files.atomic import write_atomically
from lru_tune.files.run_directory import Report

logger = logging.getLogger(__name__)

PROJECT = "lru-tune"
FOLDER = "wandb"
ID_FILE = "run-id.txt"
CONNECT_SECONDS = 3.0  # for the server to take a connection
INIT_SECONDS = 8.0  # for it to take a run; W&B itself adds some
SEND_SECONDS = 12.0  # at the end of a run, for what has not been sent yet
SYNC = "send it later with `wandb sync`"


class Line:
    """What this process knows of the way to the server.

    Attributes:
      problem: why runs are kept offline; "" while nothing speaks against sending them.
    """

    def __init__(self) -> None:
        self.problem = ""

    def give_up(self, problem: str) -> None:
        """Keep this run and all later ones of the process offline, and say so once."""
        if not self.problem:
            logger.warning("W&B: %s; keeping its runs offline, %s", problem, SYNC)
        self.problem = self.problem or problem


@functools.cache
def line() -> Line:
    """Return the process's line."""
    return Line()


class WandbTracker:
    """Mirrors a run to Weights & Biases; `offline` needs neither an account nor a network.

    Args:
      mode: `online` ends offline where the server or the key is not there.
      group: the experiment.
    """

    def __init__(self, mode: Literal["offline", "online"], group: str) -> None:
        self._mode = mode
        self._group = group

    def start(self, config: RunConfig, run_dir: Path) -> None:
        """Open a W&B run named after the run directory; the same one where an earlier attempt did."""
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # to its makers
        os.environ.setdefault("WANDB_SILENT", "true")  # what matters is said here
        import wandb

        self._run_dir = run_dir
        options: dict[str, Any] = {
            "project": os.environ.get("WANDB_PROJECT", PROJECT),
            "group": self._group or None,
            "job_type": run_dir.parent.name,
            "name": run_dir.name,
            "dir": str(run_dir),
            "config": flatten(config.model_dump(mode="json")),
        }
        run = self._online(options) if self._mode == "online" else None
        self._run = run or wandb.init(mode="offline", settings=_settings(), **options)

    def log(self, report: Report) -> None:
        """Log every metric at its step."""
        self._run.log(report.metrics, step=report.step)

    def finish(self, status: str) -> None:
        """Write the final summary and close."""
        self._run.summary.update(summary(self._run_dir, status))
        begun = time.monotonic()
        self._run.finish()
        if time.monotonic() - begun >= SEND_SECONDS:
            line().give_up(f"the server did not take a run's data within {SEND_SECONDS:g} s")

    def _online(self, options: dict[str, Any]) -> Any | None:
        """Return a run that is sent as it goes, or None where that cannot be."""
        import wandb
        from wandb.errors import Error

        problem = line().problem
        try:
            problem = problem or _no_key() or _unreachable(wandb.setup().settings.base_url)
            if not problem:
                # The service that W&B starts holds on to the id of a run it could not send: an offline
                # run takes one of its own.
                id_ = _run_id(self._run_dir)
                return wandb.init(
                    mode="online", id=id_, resume="allow", settings=_settings(), **options
                )
        except (Error, OSError, ValueError) as error:
            problem = f"{type(error).__name__}: {error}"
        line().give_up(problem)
        return None


def summary(run_dir: Path, status: str) -> dict[str, Any]:
    """Return how a run ended: status, steps, and its best report by validation."""
    reports = runs.read_metrics(run_dir)
    if not reports:
        return {"status": status, "steps": 0}
    best = runs.best_report(reports)
    return {
        "status": status,
        "steps": reports[-1][runs.STEP],
        "best/step": best[runs.STEP],
        **{f"best/{name}": best[name] for name in (runs.VAL_ACCURACY, runs.VAL_LOSS)},
    }


def _settings() -> Any:
    """Return new settings: W&B writes into those it is given."""
    import wandb

    return wandb.Settings(
        silent=True, console="off", init_timeout=INIT_SECONDS, finish_timeout=SEND_SECONDS
    )


def _run_id(run_dir: Path) -> str:
    """Return the id of the run's W&B run, chosen at the first attempt."""
    file = run_dir / FOLDER / ID_FILE
    if not file.is_file():
        write_atomically(file, uuid.uuid4().hex[:12])
    return file.read_text()


def _no_key() -> str:
    """Return why there is no key that could be one, "" if there is; asks neither user nor server."""
    import wandb

    if wandb.login(prompt=False, verify=False):
        return ""
    return "no key found; say `wandb login` first"


def _unreachable(url: str) -> str:
    """Return why no connection to a server, or to the proxy before it, can be made; "" if one can."""
    scheme = urllib.parse.urlsplit(url).scheme
    address = urllib.parse.urlsplit(urllib.request.getproxies().get(scheme, url))
    port = address.port or {"http": 80}.get(address.scheme, 443)
    try:
        socket.create_connection((address.hostname or "", port), CONNECT_SECONDS).close()
    except OSError as error:
        return f"{address.hostname} cannot be reached ({error})"
    return ""
