"""How many trials run at once, and the resources of each."""

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from lru_tune.errors import ConfigError, ResourcesMissing, problem
from lru_tune.space.settings import TrialResources

MOST_LANES = 64  # of a server whose lanes are chosen by the device's memory


class Machine(NamedTuple):
    """The CPU cores and GPUs of this machine or of a whole cluster."""

    cpus: int
    gpus: int

    def __str__(self) -> str:
        return _amount(self.cpus, self.gpus)


@dataclass(frozen=True)
class ResourceRequest:
    """Resources requested on the command line; None leaves the choice to the space and the machine."""

    gpus_per_trial: float | None = None
    cpus_per_trial: int | None = None
    max_concurrent: int | None = None
    lanes: int | Literal["auto"] | None = None


class Allocation(NamedTuple):
    """Resources of each trial, and the number of trials at once.

    Attributes:
      gpus, cpus: of a trial, or of a lane server that trials share.
      concurrent: how many trials run at once; with lanes, at most.
      servers: number of lane servers; 0 if each trial has a process of its own.
      lanes: of each server.
      lanes_by: `number` if the user gave the number of lanes; `memory` if it is an upper bound that the
        device's memory may lower.
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
    """Return the cores that this process may use and the GPUs in CUDA_VISIBLE_DEVICES; starts nothing."""
    gpus = len(list(Path("/dev").glob("nvidia[0-9]*")))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        chosen = [name for name in visible.split(",") if name.strip() not in ("", "-1")]
        gpus = min(gpus, len(chosen))
    return Machine(len(os.sched_getaffinity(0)), gpus)


def allocate(machine: Machine, settings: TrialResources, request: ResourceRequest) -> Allocation:
    """Divide a machine among trials that each have a process of their own.

    By default a trial without a GPU takes one core. A trial with GPUs takes the cores that the space
    gives it, or fewer if GPUs would otherwise be idle.

    Raises:
      ConfigError: a requested number is not positive, or a number of GPUs above one is not whole.
      ResourcesMissing: one trial asks for more than the machine has.
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
            "search.trial-too-large", asked=_amount(cpus, gpus), machine=str(machine)
        )
    fitting = min(by_gpus, machine.cpus // cpus)
    return Allocation(gpus, cpus, min(fitting, request.max_concurrent or fitting))


def allocate_lanes(
    machine: Machine, settings: TrialResources, request: ResourceRequest, *, worth: int
) -> Allocation:
    """Divide a machine among trials, or among lane servers that each train many trials.

    `auto` makes lanes if a trial asks for less than a whole GPU: as many as the GPU's memory holds, but at
    most `worth` in all. On a CPU, where lanes are no faster, and if a trial needs a whole GPU, each trial
    has a process of its own.

    Args:
      machine: its CPU cores and GPUs.
      settings: of the space.
      request: of the command line.
      worth: how many trials are worth training at once.

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
    """Return how many trials fit on the GPUs; a fraction never spans two GPUs."""
    if each == 0:
        return 10**9
    if each < 1:
        return available * int(1 / each + 1e-9)
    return available // int(each)


def _amount(cpus: int, gpus: float) -> str:
    cores = f"{cpus} CPU core{'s' * (cpus != 1)}"
    return f"{cores} and {gpus:g} GPU{'s' * (gpus != 1)}" if gpus else f"{cores} and no GPU"


def _check(request: ResourceRequest) -> None:
    problems = [
        problem("search.bad-count", key=flag, given=given)
        for flag, given in (
            ("--cpus-per-trial", request.cpus_per_trial),
            ("--max-concurrent", request.max_concurrent),
            ("--lanes", None if request.lanes == "auto" else request.lanes),
        )
        if given is not None and given < 1
    ]
    gpus = request.gpus_per_trial
    if gpus is not None and (gpus < 0 or (gpus > 1 and gpus != int(gpus))):
        problems.append(problem("search.bad-gpus", key="--gpus-per-trial", given=f"{gpus:g}"))
    if problems:
        raise ConfigError(*problems)
