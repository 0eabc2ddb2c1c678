"""Which runs share compiled programs and data, told from their configurations without JAX."""

import functools
import json

from lru_tune.config.reference import groups
from lru_tune.config.schema import RunConfig, flatten


def shape(config: RunConfig) -> str:
    """Return a text that two runs have in common if they share programs and data, and so can share lanes.

    It is as fine as `lru_tune.training.hyperparameters.program_key`, and tells what is read apart as well.
    """
    fields = flatten(config.model_dump(mode="json"))
    fixed = {path: value for path, value in fields.items() if path not in _traced()}
    fixed["variant"] = ""  # its name; what it stands for is in the fields of the recurrence
    return json.dumps([fixed, config.model.dropout > 0], sort_keys=True)


@functools.cache
def _traced() -> frozenset[str]:
    """Return the paths of all fields whose value needs no new compilation."""
    return frozenset(
        entry.path for group in groups(RunConfig) for entry in group.entries if entry.traced
    )
