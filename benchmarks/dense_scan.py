"""Dense recurrences with their own derivative rule, and with autodiff's, in turns, in one process.

    python -m benchmarks.dense_scan [--shapes copy-48 smnist] [--activations tanh] [--rounds 7]

`scan` is the recurrence alone, forward and backward; `step` a whole optimiser step of the network, where
"autodiff" also stands for the input and output products over time and batch instead of one long axis.
`speedup` is by the clock, `cpu_speedup` in the process's own time, which other work disturbs less.
"""

import argparse
from collections.abc import Callable
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import report
from benchmarks.shapes import SHAPES, Shape
from benchmarks.timing import cpu_ratios, in_turns, milliseconds, ratios
from benchmarks.train_step import our_steps
from lru_tune.config.schema import DenseRecurrence, RunConfig
from lru_tune.models import recurrence
from lru_tune.ops.dense_scan import ACTIVATIONS, dense_scan, plain_dense_scan


def autodiff_scan(
    matrix: jax.Array, drive: jax.Array, *, activation: str, reverse: bool = False
) -> jax.Array:
    """Call the slow twin as `dense_scan` is called."""
    return plain_dense_scan(activation, reverse, matrix, drive)


def scan_run(shape: Shape, activation: str, scan: Callable) -> Callable[[int], None]:
    """Return a function that differentiates the scan n times."""
    rng, n = np.random.default_rng(0), shape.d_hidden
    size = (shape.length, shape.batch_size, n)
    drive, weight = (jnp.asarray(rng.normal(size=size), jnp.float32) for _ in range(2))
    matrix = jnp.asarray(rng.normal(size=(n, n)) * 0.5 * n**-0.5, jnp.float32)
    gradient = jax.jit(
        jax.grad(lambda a, b: jnp.sum(scan(a, b, activation=activation) * weight), (0, 1))
    )

    def run(count: int) -> None:
        for _ in range(count):
            jax.block_until_ready(gradient(matrix, drive))

    return run


def step_run(shape: Shape, activation: str) -> Callable[[int], float]:
    """Return a function that takes n optimiser steps; it is compiled before this returns."""
    base = shape.config()
    model = base.model.model_copy(update={"recurrence": DenseRecurrence(activation=activation)})
    config = RunConfig.model_validate({**base.model_dump(), "model": model.model_dump()})
    run = our_steps(config, shape, dispatch=1)
    run(1)
    return run


def compare(level: str, shape: Shape, activation: str, rounds: int, budget: float) -> dict:
    """Time both in turns; `budget` is about how many seconds a round of one may take."""
    if level == "scan":
        runs = {
            "autodiff": scan_run(shape, activation, autodiff_scan),
            "ours": scan_run(shape, activation, dense_scan),
        }
    else:
        with mock.patch.multiple(recurrence, dense_scan=autodiff_scan, project=jnp.matmul):
            runs = {"autodiff": step_run(shape, activation)}
        runs["ours"] = step_run(shape, activation)
    times = in_turns(runs, rounds=rounds, budget=budget)
    row = {"level": level, "shape": shape.name, "activation": activation, "rounds": rounds}
    row |= milliseconds("ours", times["ours"])
    row |= ratios("speedup", times["autodiff"], times["ours"])
    return row | cpu_ratios("cpu_speedup", times["autodiff"], times["ours"])


def main() -> None:
    """Measure the chosen shapes and write benchmarks/results/dense_scan.csv."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--shapes", nargs="+", default=["copy-48", "smnist", "listops"], choices=SHAPES
    )
    parser.add_argument("--activations", nargs="+", default=["tanh"], choices=ACTIVATIONS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--budget", type=float, default=0.5, help="seconds a round and program")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.shapes:
        for activation in arguments.activations:
            for level in ("scan", "step"):
                rows.append(
                    compare(level, SHAPES[name], activation, arguments.rounds, arguments.budget)
                )
                print(report.line(rows[-1]), flush=True)
    print(report.write("dense_scan", rows))


if __name__ == "__main__":
    main()
