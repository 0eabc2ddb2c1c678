"""How many lanes fit on a device, from the memory that the compiler plans for one lane and for two."""

import logging
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from lru_tune.config.schema import RunConfig
from lru_tune.data.store import open_task
from lru_tune.training.hyperparameters import hyperparameters
from lru_tune.training.lanes.lane_run import LaneData
from lru_tune.training.lanes.programs import Lanes, lane_programs
from lru_tune.training.programs.compiled import programs_of
from lru_tune.training.speed import free_memory

logger = logging.getLogger(__name__)

USABLE = 0.8  # of the free memory; the rest is for evaluation, a bank that grows, and fragmentation


def fitting_lanes(config: RunConfig, data_root: Path, most: int) -> int:
    """Return how many lanes of runs like this one fit on the device, from 1 to `most`."""
    task = open_task(config.task, data_root)
    config = config.with_length(task.manifest.counts["train"])
    data = LaneData.load(config, task)
    one, two = (training_bytes(config, data, lanes) for lanes in (1, 2))
    room = free_memory(jax.devices()[0])
    lanes = most if room is None else lanes_in(int(room * USABLE), one, two, most)
    logger.info(
        "%d lanes: a lane takes %.3g GB more beside %.3g GB", lanes, (two - one) / 1e9, one / 1e9
    )
    return lanes


def lanes_in(room: int, one: int, two: int, most: int) -> int:
    """Return how many lanes fit into `room` bytes where one takes `one` bytes and two take `two`."""
    more = max(1, two - one)
    return max(1, min(most, 1 + (room - one) // more))


def training_bytes(config: RunConfig, data: LaneData, lanes: int) -> int:
    """Return the bytes of device memory that training takes in `lanes` lanes, the data included."""
    programs = programs_of(config)
    hyper = hyperparameters(config)
    lane = Lanes(jax.eval_shape(programs.init, hyper), hyper)

    def stacked(leaf: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((lanes, *leaf.shape), leaf.dtype)

    batches = (lanes, config.runtime.steps_per_dispatch, config.data.batch_size)
    compiled = lane_programs(programs).train.prepare(
        jax.tree.map(stacked, lane),
        data.train,
        jax.ShapeDtypeStruct(batches, jnp.int32),
        jax.ShapeDtypeStruct((lanes,), jnp.int32),
    )
    analysis: Any = compiled.memory_analysis()
    whole = analysis.temp_size_in_bytes + analysis.argument_size_in_bytes
    return int(whole + analysis.output_size_in_bytes - analysis.alias_size_in_bytes)
