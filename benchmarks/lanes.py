"""Trial-steps a second of trials side by side in lanes, against one trial alone on the same device.

    python -m benchmarks.lanes [--shapes copy-48 listops-quick] [--lanes 1 4 16 64] [--rounds 5]

A trial-step is one optimiser step of one trial. In each round the trial alone and each number of lanes
are timed in turn, on the same random examples, by the programs that searches use; evaluation and files
are not in it. Works on a CPU and on a GPU.
"""

import argparse
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import report
from benchmarks.shapes import SHAPES, Shape
from benchmarks.timing import in_turns
from lru_tune.config.compile_key import compile_key
from lru_tune.system.provenance import device_name
from lru_tune.training.hyperparameters import hyperparameters
from lru_tune.training.lanes.programs import LaneBank, Lanes
from lru_tune.training.programs.compiled import Programs, programs
from lru_tune.training.state import Batches


def examples(shape: Shape) -> Batches:
    """Return one batch of random examples on the device."""
    lengths = np.full(shape.batch_size, shape.length, np.int32)
    return Batches(*(jnp.asarray(part) for part in (*shape.example_batch(), lengths)))


def alone(shape: Shape, made: Programs, dispatch: int) -> Callable[[int], float]:
    """Return a function that takes n steps of one trial, `dispatch` of them in one call."""
    hyper = hyperparameters(shape.config())
    state, data = made.init(hyper), examples(shape)
    order = jnp.broadcast_to(
        jnp.arange(shape.batch_size, dtype=jnp.int32), (dispatch, shape.batch_size)
    )

    def run(steps: int) -> float:
        nonlocal state
        for first in range(0, steps, dispatch):
            count = jnp.int32(min(dispatch, steps - first))
            state = made.train(state, hyper, data, order, jnp.int32(0), count)
        return float(state.sums.loss)

    return run


def in_lanes(shape: Shape, made: Programs, lanes: int, dispatch: int) -> Callable[[int], float]:
    """Return a function that takes n steps in each of so many lanes."""
    data = examples(shape)
    bank = LaneBank(made, data, data)
    for slot in range(lanes):
        hyper = hyperparameters(shape.config().model_copy(update={"seed": slot}))
        bank.put(slot, Lanes(made.init(hyper), hyper))
        if slot == 0:
            bank.arrange([0], lanes)
    batch = np.arange(shape.batch_size, dtype=np.int32)
    batches = np.broadcast_to(batch, (lanes, dispatch, shape.batch_size))

    def run(steps: int) -> float:
        standing = None
        for first in range(0, steps, dispatch):
            count = min(dispatch, steps - first)
            standing = bank.train(batches, np.full(lanes, count, np.int32))
        return 0.0 if standing is None else float(standing.step[0])

    return run


def compare(shape: Shape, lanes: list[int], rounds: int, budget: float) -> list[dict]:
    """Time one shape; `budget` is about how many seconds a round of one program may take."""
    config = shape.config()
    dispatch = config.runtime.steps_per_dispatch
    made = programs(compile_key(config), 2 * shape.batch_size)
    runs = {"alone": alone(shape, made, dispatch)}
    runs |= {str(count): in_lanes(shape, made, count, dispatch) for count in lanes}
    times = in_turns(runs, rounds=rounds, budget=budget, most_steps=dispatch)
    rows = []
    for count in lanes:
        rates = [count / step.wall for step in times[str(count)]]
        gains = [rate * step.wall for rate, step in zip(rates, times["alone"], strict=True)]
        row = {"shape": shape.name, "device": device_name(), "lanes": count, "rounds": rounds}
        row |= {f"trial_steps_per_second_{k}": v for k, v in report.quartiles(rates).items()}
        row |= {f"times_alone_{k}": v for k, v in report.quartiles(gains).items()}
        rows.append(row)
        print(report.line(row), flush=True)
    return rows


def main() -> None:
    """Measure the chosen shapes and write benchmarks/results/lanes.csv."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", default=["copy-48", "listops-quick"], choices=SHAPES)
    parser.add_argument("--lanes", nargs="+", type=int, default=[1, 4, 16, 64])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=3.0, help="seconds a round and program")
    parser.add_argument("--name", default="lanes", help="of the result file")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.shapes:
        rows += compare(SHAPES[name], arguments.lanes, arguments.rounds, arguments.budget)
        jax.clear_caches()
    print(report.write(arguments.name, rows))


if __name__ == "__main__":
    main()
