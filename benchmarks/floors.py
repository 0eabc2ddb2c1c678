"""What this device does at best: float32 matrix products and copies, in the same run as what is compared.

    python -m benchmarks.floors

A training step's floor is the time that its matrix products would take at the rate of one large product
(2048 x 2048 x 2048), and, in `own_shapes`, at the rates of products of its own shapes.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from benchmarks import report
from benchmarks.shapes import Shape

LARGE = (2048, 2048, 2048)
COPIED_BYTES = 2**28
PASSES = 3  # a product forward takes two of the same size backward
SECONDS = 0.5  # for each rate


class Product(NamedTuple):
    """`count` products of (rows, inner) by (inner, columns) in a forward pass."""

    name: str
    count: int
    rows: int
    inner: int
    columns: int

    @property
    def flops(self) -> int:
        """Floating point operations of all of them."""
        return 2 * self.count * self.rows * self.inner * self.columns


def products(shape: Shape) -> tuple[Product, ...]:
    """Return the matrix products of one forward pass, B and C as real matrices of 2N columns and rows."""
    task, h, n = shape.task, shape.d_model, shape.d_hidden
    steps = shape.batch_size * shape.length
    read = shape.batch_size * (task.scored_steps if shape.per_step else 1)
    return (
        Product("encoder", 1, steps, task.inputs.width, h),
        Product("B", shape.n_layers, steps, h, 2 * n),
        Product("C", shape.n_layers, steps, 2 * n, h),
        Product("glu", shape.n_layers, steps, h, 2 * h),
        Product("head", 1, read, h, task.num_outputs * task.num_classes),
    )


def step_flops(shape: Shape) -> int:
    """Return the floating point operations of the matrix products of one training step."""
    return PASSES * sum(product.flops for product in products(shape))


def floor_seconds(shape: Shape) -> dict[str, float]:
    """Return the seconds of a step's products: at the large product's rate, and at their own."""
    own = sum(p.flops / matmul_rate(p.rows, p.inner, p.columns) for p in products(shape))
    return {"large": step_flops(shape) / matmul_rate(*LARGE), "own_shapes": PASSES * own}


@lru_cache
def matmul_rate(rows: int, inner: int, columns: int) -> float:
    """Return the floating point operations a second of one float32 product, the median of some."""
    a, b = jnp.ones((rows, inner)), jnp.ones((inner, columns))
    product = jax.jit(jnp.matmul)
    return 2 * rows * inner * columns / _seconds(lambda: product(a, b))


@lru_cache
def copy_rate() -> float:
    """Return the bytes a second, read and written, of an update in place that is larger than any cache."""
    there = jnp.ones(COPIED_BYTES // 4)
    update = jax.jit(lambda x: x + 1.0, donate_argnums=0)

    def once() -> jax.Array:
        nonlocal there
        there = update(there)
        return there

    return 2 * COPIED_BYTES / _seconds(once)


def _seconds(once: Callable[[], Any]) -> float:
    """Return the median seconds of a call, of as many as fit into SECONDS."""
    jax.block_until_ready(once())
    times: list[float] = []
    while sum(times) < SECONDS or len(times) < 3:
        begun = time.perf_counter()
        jax.block_until_ready(once())
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def measure() -> list[dict[str, Any]]:
    """Return the row of this device."""
    return [
        {
            "device": jax.devices()[0].device_kind,
            "matmul_gflops": matmul_rate(*LARGE) / 1e9,
            "copy_gb_per_second": copy_rate() / 1e9,
        }
    ]


def main() -> None:
    """Measure and write benchmarks/results/floors.csv."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", default="floors", help="of the result file")
    arguments = parser.parse_args()
    rows = measure()
    print(report.line(rows[0]))
    print(report.write(arguments.name, rows))


if __name__ == "__main__":
    main()
