import jax
import jax.numpy as jnp
import pytest

from benchmarks.floors import PASSES, products, step_flops
from benchmarks.shapes import SHAPES


@pytest.mark.parametrize("name", ["copy", "smnist", "imdb"])
def test_operations_are_those_that_xla_counts_for_the_same_products(name):
    shape = SHAPES[name]

    def forward(arrays):
        return [a @ b for a, b in arrays]

    shapes = [
        (jax.ShapeDtypeStruct((p.rows, p.inner), jnp.float32),
         jax.ShapeDtypeStruct((p.inner, p.columns), jnp.float32))
        for p in products(shape)
        for _ in range(p.count)
    ]  # fmt: skip
    counted = jax.jit(forward).lower(shapes).cost_analysis()["flops"]
    assert step_flops(shape) == pytest.approx(PASSES * counted, rel=1e-6)


def test_the_backward_pass_of_a_product_counts_twice_the_forward_pass():
    a, b = jnp.ones((32, 16)), jnp.ones((16, 8))
    both = jax.jit(jax.value_and_grad(lambda a, b: jnp.sum((a @ b) ** 2), (0, 1)))
    flops = both.lower(a, b).cost_analysis()["flops"]
    forward = 2 * 32 * 16 * 8
    assert flops == pytest.approx(PASSES * forward, rel=0.1)
