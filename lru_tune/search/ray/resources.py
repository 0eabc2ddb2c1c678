"""How many trials fit on the machine at once, and what each of them gets."""

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from lru_tune.errors import ConfigError, ResourcesMissing
from lru_tune.space.settings import TrialResources

MOST_LANES = 64  # where the device's memory decides


class Machine(NamedTuple):
    """What there is, on this machine or in a whole cluster."""

    cpus: int
    gpus: int

    def __str__(self) -> str:
        return _amount(self.cpus, self.gpus)


@dataclass(frozen=True)
class ResourceRequest:
    """What the command line asks for; None leaves the choice to the search space and the machine."""

    gpus_per_trial: float | None = None
    cpus_per_trial: int | None = None
    max_concurrent: int | None = None
    lanes: int | Literal["auto"] | None = None


class Allocation(NamedTuple):
    """What each trial gets, and how many trials run at once.

    Attributes:
      gpus, cpus: of a trial, or of a server whose lanes the trials share.
      concurrent: trials at once, with lanes the most there can be.
      servers: of lanes; 0 where each trial is trained in a process of its own.
      lanes: of each server.
      lanes_by: whether that number was said, or is the most that the device's memory may reduce.
    """

    gpus: float
    cpus: int
    concurrent: int
    servers: int = 0
    lanes: int = 1
    lanes_by: Literal["number", "memory"] = "number"

    def __str__(self) -> str:
        amount = _amount(self.cpus, self.gpus)
        if not self.servers:
            return f"{self.concurrent} at a time, each with {amount}"
        most = "up to " * (self.lanes_by == "memory")
        servers = f"{self.servers} server{'s' * (self.servers != 1)}"
        lanes = f"in {most}{self.lanes} lanes of {servers}, each with {amount}"
        return f"{most}{self.concurrent} at a time, {lanes}"


def this_machine() -> Machine:
    """Return the cores this process may use and the GPUs that CUDA_VISIBLE_DEVICES leaves; starts nothing."""
    gpus = len(list(Path("/dev").glob("nvidia[0-9]*")))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        chosen = [name for name in visible.split(",") if name.strip() not in ("", "-1")]
        gpus = min(gpus, len(chosen))
    return Machine(len(os.sched_getaffinity(0)), gpus)


def allocate(machine: Machine, settings: TrialResources, request: ResourceRequest) -> Allocation:
    """Divide a machine among trials.

    Without a GPU a trial takes one core unless told otherwise. With GPUs it takes what the space says,
    but not so many cores that GPUs would stand idle.

    Raises:
      ConfigError: a wish is not positive, or a number of GPUs above one is not whole.
      ResourcesMissing: one trial asks for more than there is.
    """
    _check(request)
    gpus = request.gpus_per_trial
    if gpus is None:
        gpus = settings.gpus if machine.gpus else 0.0
    by_gpus = _trials_on_gpus(machine.gpus, gpus)
    cpus = request.cpus_per_trial
    if cpus is None:
        share = machine.cpus // max(1, min(by_gpus, machine.cpus))
        cpus = min(math.ceil(settings.cpus), max(1, share)) if gpus else 1
    if gpus > machine.gpus or cpus > machine.cpus:
        raise ResourcesMissing(
            f"a trial asks for {_amount(cpus, gpus)}, but the machine has {machine}. "
            "Lower --cpus-per-trial or --gpus-per-trial."
        )
    fitting = min(by_gpus, machine.cpus // cpus)
    return Allocation(gpus, cpus, min(fitting, request.max_concurrent or fitting))


def allocate_lanes(
    machine: Machine, settings: TrialResources, request: ResourceRequest, *, worth: int
) -> Allocation:
    """Divide a machine among trials, or among servers in whose lanes many trials are trained.

    `auto` makes lanes where a trial asks for less than a whole GPU: as many as its memory holds, and no more
    than there are trials that are worth training at once. On a CPU, where lanes do not pay, and for trials
    that fill a GPU, each trial has a process of its own.

    Args:
      machine: what there is.
      settings: of the space.
      request: of the command line.
      worth: how many trials that share lanes are worth training at once.

    Raises:
      ConfigError, ResourcesMissing: as `allocate`.
    """
    alone = allocate(machine, settings, request)
    wanted = request.lanes or settings.lanes
    fills_a_device = not 0 < alone.gpus < 1 or request.gpus_per_trial is not None
    if wanted == 1 or (wanted == "auto" and fills_a_device):
        return alone
    whole = replace(request, gpus_per_trial=float(alone.gpus > 0), max_concurrent=None)
    gpus, cpus, devices, *_ = allocate(machine, settings, whole)
    by: Literal["number", "memory"] = "number"
    if wanted == "auto":
        lanes, by = min(MOST_LANES, math.ceil(worth / devices)), "memory"
        if lanes * devices <= alone.concurrent:
            return alone
    else:
        lanes = wanted
    concurrent = min(devices * lanes, request.max_concurrent or devices * lanes)
    return Allocation(gpus, cpus, concurrent, math.ceil(concurrent / lanes), lanes, by)


def _trials_on_gpus(available: int, each: float) -> int:
    """Return how many trials the GPUs carry; a fraction never spans two of them."""
    if each == 0:
        return 10**9
    if each < 1:
        return available * int(1 / each + 1e-9)
    return available // int(each)


def _amount(cpus: int, gpus: float) -> str:
    cores = f"{cpus} CPU core{'s' * (cpus != 1)}"
    return f"{cores} and {gpus:g} GPU{'s' * (gpus != 1)}" if gpus else f"{cores} and no GPU"


def _check(request: ResourceRequest) -> None:
    gpus = request.gpus_per_trial
    problems = [
        f"{flag} must be at least 1, got {value}"
        for flag, value in (
            ("--cpus-per-trial", request.cpus_per_trial),
            ("--max-concurrent", request.max_concurrent),
            ("--lanes", None if request.lanes == "auto" else request.lanes),
        )
        if value is not None and value < 1
    ]
    if gpus is not None and (gpus < 0 or (gpus > 1 and gpus != int(gpus))):
        problems.append(f"--gpus-per-trial must be a fraction or a whole number, got {gpus:g}")
    if problems:
        raise ConfigError(*problems)
