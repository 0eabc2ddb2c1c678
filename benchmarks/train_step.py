"""Whole training steps of lru-tune and of minimal-LRU, in turns, in one process.

    python -m benchmarks.train_step --peer PATH/TO/minimal-LRU [--shapes copy smnist] [--rounds 5]

Both take the same batches' shapes, the same widths, batch norm, dropout and AdamW groups. A round times
some steps of one, then of the other; the ratio is taken round by round, so that a machine whose speed
drifts does not favour either.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import report
from benchmarks.peer import peer_steps
from benchmarks.shapes import SHAPES, Shape
from lru_tune.config.schema import RunConfig
from lru_tune.models.build import build_model
from lru_tune.training.hyperparameters import hyperparameters
from lru_tune.training.optimizer import adam_moments
from lru_tune.training.steps import Batches, init_state, train_steps


def our_steps(config: RunConfig, shape: Shape, dispatch: int) -> Callable[[int], float]:
    """Return a function that takes n optimiser steps, `dispatch` of them in one call."""
    online = config.runtime.rtrl_sums if config.optim.algorithm == "rtrl" else None
    model = build_model(config.model, shape.task, config.runtime.scan, online)
    adam = adam_moments(config.optim.b1, config.optim.b2, config.optim.eps)
    hyper = hyperparameters(config)
    state = jax.jit(lambda h: init_state(model, adam, h))(hyper)
    train = jax.jit(lambda *arguments: train_steps(model, adam, *arguments), donate_argnums=0)
    inputs, targets = shape.example_batch()
    lengths = np.full(shape.batch_size, shape.length, np.int32)
    data = Batches(*(jnp.asarray(part) for part in (inputs, targets, lengths)))
    order = jnp.broadcast_to(
        jnp.arange(shape.batch_size, dtype=jnp.int32), (1000, shape.batch_size)
    )

    def run(steps: int) -> float:
        nonlocal state
        for first in range(0, steps, dispatch):
            count = min(dispatch, steps - first)
            state = train(state, hyper, data, order, jnp.int32(0), jnp.int32(count))
        return float(state.sums.loss)

    return run


class Spent(NamedTuple):
    """Seconds of one step, by the clock and of all the process's threads."""

    wall: float
    cpu: float


def spent(run: Callable[[int], float], steps: int) -> Spent:
    """Return what one of `steps` steps took."""
    wall, cpu = time.perf_counter(), time.process_time()
    run(steps)
    return Spent((time.perf_counter() - wall) / steps, (time.process_time() - cpu) / steps)


def seconds(run: Callable[[int], float], steps: int) -> float:
    """Return the seconds one of `steps` steps took by the clock."""
    return spent(run, steps).wall


def compare(shape: Shape, peer: Path | None, rounds: int, budget: float, scan: str) -> dict:
    """Time one shape; `budget` is about how many seconds a round of one program may take."""
    config = shape.config(scan)
    runs = {"ours": our_steps(config, shape, 1), "ours_50": our_steps(config, shape, 50)}
    if peer is not None:
        runs["peer"] = peer_steps(peer, shape)
    steps = {}
    for name, run in runs.items():
        run(1)
        steps[name] = min(50, max(1, round(budget / seconds(run, 1))))
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(seconds(run, steps[name]))
    row = {"shape": shape.name, "scan": scan, "rounds": rounds}
    for name in runs:
        row |= {f"{name}_ms_{k}": 1e3 * v for k, v in report.quartiles(times[name]).items()}
    if peer is not None:
        for name in ("ours", "ours_50"):
            ratios = [p / o for p, o in zip(times["peer"], times[name], strict=True)]
            row |= {f"{name}_speedup_{k}": v for k, v in report.quartiles(ratios).items()}
    return row


def main() -> None:
    """Measure the chosen shapes and write benchmarks/results/train_step.csv."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path, help="a checkout of minimal-LRU")
    parser.add_argument(
        "--shapes", nargs="+", default=["copy", "smnist", "listops"], choices=SHAPES
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=3.0, help="seconds a round and program")
    parser.add_argument("--scan", default="auto")
    parser.add_argument("--name", default="train_step", help="of the result file")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.shapes:
        row = compare(
            SHAPES[name], arguments.peer, arguments.rounds, arguments.budget, arguments.scan
        )
        print(report.line(row))
        rows.append(row)
    print(report.write(arguments.name, rows))


if __name__ == "__main__":
    main()
