"""What coarser matrix products do to loss, gradients and training, against float64.

    python -m benchmarks.precision

`runtime.matmul` rounds the factors of every matrix product as a GPU's matrix units do; sums and recurrences
stay in float32. A CPU has no such units: here the factors are rounded to as many bits before each product,
forward and backward, which gives the same numbers but for the order of sums. Nothing is timed, so that the
figures do not depend on what else the machine does. Writes benchmarks/results/precision.csv.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.interpreters import mlir

from benchmarks import report
from benchmarks.shapes import Shape
from data_prep import ensure_prepared
from lru_tune.config.schema import RunConfig
from lru_tune.data.batches import epoch_order, take_examples
from lru_tune.models.build import build_model
from lru_tune.training.hyperparameters import Hyperparameters, hyperparameters
from lru_tune.training.optimizer import adam_moments
from lru_tune.training.state import Batches, TrainState
from lru_tune.training.steps import batch_gradients, init_state, train_steps

EXPONENT_BITS = 8
# Bits of the fraction that a factor keeps; None leaves it as it is.
FRACTION_BITS = {"f32": None, "tf32": 10, "bf16": 7}
STEPS = 5  # optimiser steps after which parameters are compared
TRAINING = 200  # optimiser steps of the copy task
SHAPES = (
    Shape("listops-like", "listops", 2048, 64, 64, 2, 2, dropout=0.0),
    Shape("copy-like", "copy", 48, 128, 64, 2, 32, dropout=0.0),
)


class Problem(NamedTuple):
    """What training starts from."""

    state: TrainState
    hyper: Hyperparameters
    data: Batches


@contextmanager
def rounded_products(bits: int | None) -> Iterator[None]:
    """Round the factors of every product that is compiled for the CPU within this context."""
    if bits is None:
        yield
        return
    product = lax.dot_general_p
    rules = mlir._platform_specific_lowerings["cpu"]
    exact = rules[product]

    def both(*factors: Array) -> list[Array]:
        return [lax.reduce_precision(factor, EXPONENT_BITS, bits) for factor in factors]

    def rounding(context: Any, lhs: Any, rhs: Any, **how: Any) -> Any:
        inner = context.replace(avals_out=context.avals_in)
        lhs, rhs = to_ir(inner, lhs, rhs)
        return exact.rule(context, lhs, rhs, **how)

    to_ir = mlir.lower_fun(both, multiple_results=True)
    jax.clear_caches()
    mlir.register_lowering(product, rounding, platform="cpu")
    try:
        yield
    finally:
        rules[product] = exact
        jax.clear_caches()


def wide(tree: Any) -> Any:
    """Return a tree with its floating numbers in float64."""
    return jax.tree.map(
        lambda x: x.astype(jnp.float64) if jnp.issubdtype(x.dtype, jnp.floating) else x, tree
    )


def distance(ours: Any, exact: Any, scale: Any) -> float:
    """Return |ours - exact| / |scale| over all leaves, as one vector each."""

    def norm(tree: Any) -> float:
        leaves = jax.tree.leaves(tree)
        return float(np.sqrt(sum(np.sum(np.square(np.asarray(x, np.float64))) for x in leaves)))

    difference = jax.tree.map(
        lambda a, b: np.asarray(a, np.float64) - np.asarray(b, np.float64), ours, exact
    )
    return norm(difference) / norm(scale)


def measured(config: RunConfig, shape: Shape, problem: Problem, steps: int) -> tuple[Any, ...]:
    """Return loss and gradients of the first batch, parameters and mean loss after some steps."""
    model = build_model(config.model, shape.task)
    adam = adam_moments(config.optim.b1, config.optim.b2, config.optim.eps)
    batch = config.data.batch_size
    order = jnp.asarray(epoch_order(0, 0, problem.data.targets.shape[0], batch))
    loss, grads = jax.jit(partial(batch_gradients, model))(*problem, order[0])
    after = jax.jit(partial(train_steps, model, adam))(
        *problem, order, jnp.int32(0), jnp.int32(steps)
    )
    mean = float(after.sums.loss) / float(after.sums.predictions)
    return jax.device_get((loss, grads, after.params, mean))


def started(config: RunConfig, shape: Shape, data: Batches) -> Problem:
    """Return the problem at its start, in float32."""
    hyper = hyperparameters(config)
    adam = adam_moments(config.optim.b1, config.optim.b2, config.optim.eps)
    state = jax.jit(partial(init_state, build_model(config.model, shape.task), adam))(hyper)
    return Problem(state, hyper, data)


def random_batches(shape: Shape) -> Batches:
    """Return STEPS batches of random examples."""
    inputs, targets = shape.example_batch()
    lengths = np.full(shape.batch_size, shape.length, np.int32)
    parts = (np.concatenate([part] * STEPS) for part in (inputs, targets, lengths))
    return Batches(*(jnp.asarray(part) for part in parts))


def rows_of(shape: Shape) -> Iterator[dict[str, Any]]:
    """Compare one shape in every rounding with float64."""
    config = shape.config("sequential")
    problem = started(config, shape, random_batches(shape))
    with jax.enable_x64(True):
        exact = measured(config, shape, Problem(*wide(problem[:2]), problem.data), STEPS)
    moved = jax.tree.map(lambda a, b: np.asarray(a) - np.asarray(b), exact[2], problem.state.params)
    for name, bits in FRACTION_BITS.items():
        with rounded_products(bits):
            loss, grads, params, _ = measured(config, shape, problem, STEPS)
        yield {
            "shape": shape.name,
            "matmul": name,
            "loss_error": abs(float(loss) - float(exact[0])) / abs(float(exact[0])),
            "gradient_error": distance(grads, exact[1], exact[1]),
            "update_error": distance(params, exact[2], moved),
            "training_steps": None,
            "training_loss": None,
        }


def training_rows() -> Iterator[dict[str, Any]]:
    """Train the copy task in every rounding; the loss is the mean of the last tenth of the steps."""
    shape = SHAPES[1]
    with tempfile.TemporaryDirectory() as folder:
        examples = take_examples(ensure_prepared("copy", Path(folder)).split("train"), None)
        data = Batches(*(jnp.asarray(np.array(part)) for part in examples))
    shape = replace(shape, length=data.inputs.shape[1])
    config = shape.config("sequential").model_copy(update={"steps": TRAINING})
    model = build_model(config.model, shape.task)
    adam = adam_moments(config.optim.b1, config.optim.b2, config.optim.eps)
    examples_there = data.targets.shape[0]
    epochs = -(-TRAINING // (examples_there // config.data.batch_size))
    order = jnp.concatenate(
        [
            jnp.asarray(epoch_order(0, epoch, examples_there, config.data.batch_size))
            for epoch in range(epochs)
        ]
    )
    for name, bits in FRACTION_BITS.items():
        problem = started(config, shape, data)
        with rounded_products(bits):
            train = jax.jit(partial(train_steps, model, adam))
            begun = TRAINING - TRAINING // 10
            state = train(*problem, order, jnp.int32(0), jnp.int32(begun))
            zeroed = state._replace(sums=jax.tree.map(jnp.zeros_like, state.sums))
            state = train(
                zeroed, problem.hyper, data, order, jnp.int32(begun), jnp.int32(TRAINING - begun)
            )
        yield {
            "shape": "copy",
            "matmul": name,
            "loss_error": None,
            "gradient_error": None,
            "update_error": None,
            "training_steps": TRAINING,
            "training_loss": float(state.sums.loss) / float(state.sums.predictions),
        }


def main() -> None:
    """Measure and write benchmarks/results/precision.csv."""
    rows = []
    for part in (*map(rows_of, SHAPES), training_rows()):
        for row in part:
            print(report.line(row), flush=True)
            rows.append(row)
    print(report.write("precision", rows))


if __name__ == "__main__":
    main()
