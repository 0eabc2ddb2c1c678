"""Steps that learn online against steps of backpropagation through time, in turns, in one process.

    python -m benchmarks.online_learning [--shapes copy-online smnist-small] [--rounds 5]

All take layer norm and no dropout. Memory is what XLA plans for one gradient beside its arguments.
`times_bptt` is by the clock, `cpu_times_bptt` in the process's own time, which other work disturbs less.
"""

import argparse
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import report
from benchmarks.shapes import SHAPES, Shape
from benchmarks.timing import cpu_ratios, in_turns, ratios
from benchmarks.train_step import our_steps
from lru_tune.config.schema import RunConfig
from lru_tune.models.build import build_model
from lru_tune.training.hyperparameters import hyperparameters
from lru_tune.training.optimizer import adam_moments
from lru_tune.training.programs.resolve_auto import compute_method
from lru_tune.training.state import Batches
from lru_tune.training.steps import batch_gradients, init_state

WAYS = {
    "bptt": {},
    "traces": {"optim": {"algorithm": "rtrl"}, "runtime": {"rtrl_sums": "traces"}},
    "adjoint": {"optim": {"algorithm": "rtrl"}, "runtime": {"rtrl_sums": "adjoint"}},
}


def configuration(shape: Shape, way: str) -> RunConfig:
    """Return the configuration of a shape that learns in one of the WAYS."""
    model = shape.config().model.model_dump() | {"norm": "layer", "dropout": 0.0}
    return RunConfig.model_validate(
        {"task": shape.task_name, "steps": 1000, "model": model, **WAYS[way]}
    )


def memory(shape: Shape, way: str) -> int:
    """Return the bytes that one gradient needs beside its arguments."""
    config = configuration(shape, way)
    model = build_model(config.model, shape.task, compute_method(config))
    hyper = hyperparameters(config)
    state = jax.eval_shape(partial(init_state, model, adam_moments(0.9, 0.999, 1e-8)), hyper)
    inputs, targets = shape.example_batch()
    lengths = np.full(shape.batch_size, shape.length, np.int32)
    data = Batches(*(jnp.asarray(part) for part in (inputs, targets, lengths)))
    compiled = (
        jax.jit(partial(batch_gradients, model))
        .lower(state, hyper, data, jnp.arange(shape.batch_size))
        .compile()
    )
    return compiled.memory_analysis().temp_size_in_bytes


def compare(shape: Shape, rounds: int, budget: float) -> list[dict]:
    """Return a row for each of the WAYS; `budget` is about how many seconds a round may take."""
    runs = {way: our_steps(configuration(shape, way), shape, dispatch=1) for way in WAYS}
    times = in_turns(runs, rounds=rounds, budget=budget)
    needs = {way: memory(shape, way) for way in WAYS}
    rows = []
    for way in WAYS:
        row = {"shape": shape.name, "algorithm": way, "rounds": rounds}
        row |= {
            f"ms_{k}": 1e3 * v for k, v in report.quartiles([s.wall for s in times[way]]).items()
        }
        row |= ratios("times_bptt", times[way], times["bptt"])
        row |= cpu_ratios("cpu_times_bptt", times[way], times["bptt"])
        rows.append(
            row | {"memory_mb": needs[way] / 1e6, "memory_times_bptt": needs[way] / needs["bptt"]}
        )
    return rows


def main() -> None:
    """Measure the chosen shapes and write benchmarks/results/online_learning.csv."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", default=["copy-online"], choices=SHAPES)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--budget", type=float, default=1.0, help="seconds a round and program")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.shapes:
        for row in compare(SHAPES[name], arguments.rounds, arguments.budget):
            print(report.line(row), flush=True)
            rows.append(row)
    print(report.write("online_learning", rows))


if __name__ == "__main__":
    main()
