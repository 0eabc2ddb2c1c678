"""Tune and reproduce linear recurrent networks.

The public names below are loaded when they are first used, so that `import lru_tune` is quick: JAX, Ray and
pandas take seconds.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lru_tune.api.comparing import compare as compare
    from lru_tune.api.experiment import Experiment as Experiment
    from lru_tune.api.experiment import tune as tune
    from lru_tune.api.run import Run as Run
    from lru_tune.api.run import load as load
    from lru_tune.api.run import train as train
    from lru_tune.config.schema import RunConfig as RunConfig
    from lru_tune.config.variants import VARIANTS as VARIANTS
    from lru_tune.errors import CheckpointDamaged as CheckpointDamaged
    from lru_tune.errors import ConfigError as ConfigError
    from lru_tune.errors import DataDamaged as DataDamaged
    from lru_tune.errors import DataNotPrepared as DataNotPrepared
    from lru_tune.errors import Diverged as Diverged
    from lru_tune.errors import InputError as InputError
    from lru_tune.errors import Interrupted as Interrupted
    from lru_tune.errors import LruTuneError as LruTuneError
    from lru_tune.errors import NoTrialSucceeded as NoTrialSucceeded
    from lru_tune.errors import Occupied as Occupied
    from lru_tune.errors import ResourcesMissing as ResourcesMissing
    from lru_tune.models.recurrence import LRU as LRU
    from lru_tune.ops.scan.linear_scan import linear_scan as linear_scan
    from lru_tune.results.reading.confirmations import confirmations as confirmations
    from lru_tune.results.reading.frame import history as history
    from lru_tune.results.reading.frame import load_runs as load_runs
    from lru_tune.space.space import SearchSpace as SearchSpace
    from lru_tune.tasks import TASKS as TASKS
    from lru_tune.tasks import Task as Task
    from lru_tune.training.trained.predictor import Predictor as Predictor
    from lru_tune.training.trained.predictor import Stream as Stream

__version__ = "0.1.0"

# Where each public name is defined.
_MODULES = {
    "lru_tune.api.comparing": ("compare",),
    "lru_tune.api.experiment": ("Experiment", "tune"),
    "lru_tune.api.run": ("Run", "load", "train"),
    "lru_tune.config.schema": ("RunConfig",),
    "lru_tune.config.variants": ("VARIANTS",),
    "lru_tune.errors": (
        "CheckpointDamaged",
        "ConfigError",
        "DataDamaged",
        "DataNotPrepared",
        "Diverged",
        "InputError",
        "Interrupted",
        "LruTuneError",
        "NoTrialSucceeded",
        "Occupied",
        "ResourcesMissing",
    ),
    "lru_tune.models.recurrence": ("LRU",),
    "lru_tune.ops.scan.linear_scan": ("linear_scan",),
    "lru_tune.results.reading.confirmations": ("confirmations",),
    "lru_tune.results.reading.frame": ("history", "load_runs"),
    "lru_tune.space.space": ("SearchSpace",),
    "lru_tune.tasks": ("TASKS", "Task"),
    "lru_tune.training.trained.predictor": ("Predictor", "Stream"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'lru_tune' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
