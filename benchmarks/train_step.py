"""Whole training steps of lru-tune and of minimal-LRU, in turns, in one process.

    python -m benchmarks.train_step --peer PATH/TO/minimal-LRU [--shapes copy smnist] [--rounds 5]

Both take the same batches' shapes, the same widths, batch norm, dropout and AdamW groups. A round times
some steps of one, then of the other; the ratio is taken round by round, so that a machine whose speed
drifts does not favour either.

Beside the peer's speed: `temp_mb`, what XLA plans beside arguments and results; `times_floor`, the step over
the time of its matrix products alone (see benchmarks/floors.py); `jax`, the step without blocks in C++;
`no_scan`, that step with a recurrence that hands on what it is given; `grouped`, the step with
`runtime.memory: grouped`. Set GLIBC_TUNABLES as it shall be; it stands in the row.
"""

import argparse
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import report
from benchmarks.floors import floor_seconds
from benchmarks.peer import PeerStep
from benchmarks.shapes import SHAPES, Shape
from benchmarks.timing import in_turns, milliseconds, ratios
from lru_tune.config.schema import RunConfig
from lru_tune.models.build import build_model
from lru_tune.ops.scan.linear_scan import SCAN_BACKENDS
from lru_tune.training.hyperparameters import hyperparameters
from lru_tune.training.optimizer import adam_moments
from lru_tune.training.programs.resolve_auto import compute_method, resolve_auto
from lru_tune.training.state import Batches, TrainState
from lru_tune.training.steps import init_state, train_steps

DEFAULT_SHAPES = ["copy", "copy-48", "smnist", "scifar", "listops", "imdb"]

# States are the drive itself: what is left of a step is all but its recurrence.
NO_SCAN = SCAN_BACKENDS["sequential"]._replace(
    forward=lambda decay, drive, reverse: drive,
    backward=lambda decay, states, grad, reverse: (jnp.zeros_like(decay), grad),
)


class OurStep:
    """lru-tune's compiled steps on one batch, and the arguments they take.

    Args:
      config: the run, with every `auto` resolved.
      shape: of its batches.
    """

    def __init__(self, config: RunConfig, shape: Shape) -> None:
        model = build_model(config.model, shape.task, compute_method(config))
        adam = adam_moments(config.optim.b1, config.optim.b2, config.optim.eps)
        self.hyper = hyperparameters(config)
        self._init = jax.jit(lambda h: init_state(model, adam, h))
        self._train = jax.jit(
            lambda *arguments: train_steps(model, adam, *arguments), donate_argnums=0
        )
        inputs, targets = shape.example_batch()
        lengths = np.full(shape.batch_size, shape.length, np.int32)
        self._data = Batches(*(jnp.asarray(part) for part in (inputs, targets, lengths)))
        batch = jnp.arange(shape.batch_size, dtype=jnp.int32)
        self._order = jnp.broadcast_to(batch, (1000, shape.batch_size))

    def init(self) -> TrainState:
        """Return the state at step 0."""
        return self._init(self.hyper)

    def take(self, state: TrainState, count: int) -> TrainState:
        """Return the state after `count` steps; the one passed in is consumed."""
        return self._train(
            state, self.hyper, self._data, self._order, jnp.int32(0), jnp.int32(count)
        )

    def temp_bytes(self) -> int:
        """Return the bytes that XLA plans beside arguments and results."""
        state = jax.eval_shape(self._init, self.hyper)
        whole = jnp.int32(0), jnp.int32(1)
        lowered = self._train.lower(state, self.hyper, self._data, self._order, *whole)
        return lowered.compile().memory_analysis().temp_size_in_bytes


@lru_cache(maxsize=8)
def our_step(config: RunConfig, shape: Shape) -> OurStep:
    """Return an OurStep; the same arguments share what is compiled."""
    return OurStep(config, shape)


def our_steps(config: RunConfig, shape: Shape, dispatch: int) -> Callable[[int], float]:
    """Return a function that takes n optimiser steps, `dispatch` of them in one call."""
    program = our_step(config, shape)
    state = program.init()

    def run(steps: int) -> float:
        nonlocal state
        for first in range(0, steps, dispatch):
            state = program.take(state, min(dispatch, steps - first))
        return float(state.sums.loss)

    return run


def compare(
    shape: Shape, peer: Path | None, rounds: int, budget: float, scan: str
) -> dict[str, Any]:
    """Time one shape; `budget` is about how many seconds a round of one program may take."""

    def with_runtime(**changes: Any) -> RunConfig:
        config = shape.config(scan)
        return resolve_auto(
            config.model_copy(update={"runtime": config.runtime.model_copy(update=changes)})
        )

    config, in_jax = with_runtime(), with_runtime(block="jax")
    grouped = with_runtime(memory="grouped")
    no_scan = in_jax.model_copy(
        update={"runtime": in_jax.runtime.model_copy(update={"scan": "none"})}
    )
    with mock.patch.dict(SCAN_BACKENDS, {"none": NO_SCAN}):
        runs = {
            "ours": our_steps(config, shape, 1),
            "ours_50": our_steps(config, shape, 50),
            "jax": our_steps(in_jax, shape, 50),
            "grouped": our_steps(grouped, shape, 50),
            "no_scan": our_steps(no_scan, shape, 50),
        }
        runs["no_scan"](1)  # compiled while the back end is known
    theirs = None if peer is None else PeerStep(peer, shape)
    if theirs is not None:
        runs["peer"] = theirs.run
    times = in_turns(runs, rounds=rounds, budget=budget, most_steps=50)
    row: dict[str, Any] = {"shape": shape.name, "rounds": rounds}
    row |= {"block": config.runtime.block, "scan": in_jax.runtime.scan}
    row["glibc_tunables"] = os.environ.get("GLIBC_TUNABLES", "")
    for name in runs:
        row |= milliseconds(name, times[name])
    row |= ratios("with_scan_over_without", times["jax"], times["no_scan"])
    row |= ratios("ours_over_no_scan", times["ours_50"], times["no_scan"])
    row |= ratios("grouped_over_plain", times["grouped"], times["ours_50"])
    row["ours_temp_mb"] = our_step(config, shape).temp_bytes() / 1e6
    row["grouped_temp_mb"] = our_step(grouped, shape).temp_bytes() / 1e6
    for name, floor in floor_seconds(shape).items():
        row[f"floor_ms_{name}"] = 1e3 * floor
        row[f"times_floor_{name}"] = row["ours_50_ms_median"] / (1e3 * floor)
    if theirs is not None:
        for name in ("ours", "ours_50", "jax"):
            row |= ratios(f"{name}_speedup", times["peer"], times[name])
        row["peer_temp_mb"] = theirs.temp_bytes() / 1e6
        row["temp_ratio"] = row["peer_temp_mb"] / row["ours_temp_mb"]
        row["grouped_temp_ratio"] = row["peer_temp_mb"] / row["grouped_temp_mb"]
    return row


def main() -> None:
    """Measure the chosen shapes and write benchmarks/results/train_step.csv."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path, help="a checkout of minimal-LRU")
    parser.add_argument("--shapes", nargs="+", default=DEFAULT_SHAPES, choices=SHAPES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=3.0, help="seconds a round and program")
    parser.add_argument("--scan", default="auto")
    parser.add_argument("--name", default="train_step", help="of the result file")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.shapes:
        row = compare(
            SHAPES[name], arguments.peer, arguments.rounds, arguments.budget, arguments.scan
        )
        print(report.line(row), flush=True)
        rows.append(row)
    print(report.write(arguments.name, rows))


if __name__ == "__main__":
    main()
