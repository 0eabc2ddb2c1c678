"""Weights & Biases: one W&B run per trial, grouped by experiment.

Without a key or a connection the runs are kept offline, with a warning. A process decides this once, so
that a search of many short trials waits for a dead network at its first trial only.
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

from lru_tune.config.dotted import flatten
from lru_tune.config.schema import RunConfig
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


class Connection:
    """Whether this process sends its runs to the server.

    Attributes:
      problem: why runs are kept offline; "" while they are sent.
    """

    def __init__(self) -> None:
        self.problem = ""

    def give_up(self, problem: str) -> None:
        """Keep this run and all later ones of the process offline, with one warning."""
        if not self.problem:
            logger.warning("W&B: %s; keeping its runs offline, %s", problem, SYNC)
        self.problem = self.problem or problem


@functools.cache
def connection() -> Connection:
    """Return the connection of this process."""
    return Connection()


class WandbTracker:
    """Copies a run to Weights & Biases; `offline` needs neither an account nor a network.

    Args:
      mode: `online` falls back to `offline` without a key or a connection.
      group: the experiment.
    """

    def __init__(self, mode: Literal["offline", "online"], group: str) -> None:
        self._mode = mode
        self._group = group

    def start(self, config: RunConfig, run_dir: Path) -> None:
        """Open a W&B run named after the run directory; a resumed run opens its first one again."""
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # no reports to W&B
        os.environ.setdefault("WANDB_SILENT", "true")  # this module logs what matters
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
            connection().give_up(f"the server did not take a run's data within {SEND_SECONDS:g} s")

    def _online(self, options: dict[str, Any]) -> Any | None:
        """Return a W&B run that is sent as it trains, or None if it cannot be."""
        import wandb
        from wandb.errors import Error

        problem = connection().problem
        try:
            problem = problem or _no_key() or _unreachable(wandb.setup().settings.base_url)
            if not problem:
                # The service that W&B starts keeps the id of a run it could not send, so an offline run
                # gets another one.
                id_ = _run_id(self._run_dir)
                return wandb.init(
                    mode="online", id=id_, resume="allow", settings=_settings(), **options
                )
        except (Error, OSError, ValueError) as error:
            problem = f"{type(error).__name__}: {error}"
        connection().give_up(problem)
        return None


def summary(run_dir: Path, status: str) -> dict[str, Any]:
    """Return status and steps of a run, and its best report by validation."""
    found = runs.reports_summary(runs.read_metrics(run_dir))
    if not found:
        return {"status": status, "steps": 0}
    return {
        "status": status,
        "steps": found["steps"],
        "best/step": found["best_step"],
        **{f"best/{name}": found[name] for name in (runs.VAL_ACCURACY, runs.VAL_LOSS)},
    }


def _settings() -> Any:
    """Return new settings; W&B writes into the object that it is given."""
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
    """Return why no plausible key is found, "" if one is; asks neither the user nor the server."""
    import wandb

    if wandb.login(prompt=False, verify=False):
        return ""
    return "no key found; run `wandb login` first"


def _unreachable(url: str) -> str:
    """Return why a server, or the proxy in front of it, cannot be reached; "" if it can."""
    scheme = urllib.parse.urlsplit(url).scheme
    address = urllib.parse.urlsplit(urllib.request.getproxies().get(scheme, url))
    port = address.port or {"http": 80}.get(address.scheme, 443)
    try:
        socket.create_connection((address.hostname or "", port), CONNECT_SECONDS).close()
    except OSError as error:
        return f"{address.hostname} cannot be reached ({error})"
    return ""
