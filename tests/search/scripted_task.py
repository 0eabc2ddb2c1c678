"""A prepared task that has a manifest and no arrays, and an experiment on it."""

from pathlib import Path
from typing import Any

from lru_tune.data.manifest import Manifest
from lru_tune.data.store import PreparedTask
from lru_tune.search.experiment import Options
from lru_tune.search.plan import Plan, make_plan
from lru_tune.search.ray.resources import Machine, ResourceRequest
from lru_tune.search.ray.trainable import WorkerSettings
from lru_tune.space.space import SearchSpace

TRAINING = "scripted_training"


def scripted_task(root: Path) -> PreparedTask:
    folder = root / "copy"
    folder.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(
        format_version=1,
        task="copy",
        source="none",
        parameters={},
        seed=0,
        files={},
        counts={"train": 100, "val": 10, "test": 10},
        label_histogram={},
        vocabulary=None,
        chance=0.5,
        synthetic=True,
    )
    return PreparedTask(folder, manifest)


def plan_for(space: SearchSpace, machine: Machine, *, at_once: int = 1) -> Plan:
    kind = space.tune.scheduler.kind
    request = ResourceRequest(max_concurrent=None if kind == "hyperband" else at_once)
    return make_plan(space, machine, request, train_examples=100)


def worker_for(plan: Plan, task: PreparedTask) -> WorkerSettings:
    return WorkerSettings(
        data_root=str(task.folder.parent),
        metric=plan.stopping.metric,
        mode=plan.stopping.mode,
        cpus=plan.allocation.cpus,
        gpus=plan.allocation.gpus,
        training=TRAINING,
    )


def options(at_once: int) -> Any:
    return Options(resources=ResourceRequest(max_concurrent=at_once), training=TRAINING)
