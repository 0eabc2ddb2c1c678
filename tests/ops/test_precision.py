import jax
import jax.numpy as jnp
import pytest

from lru_tune.errors import ConfigError
from lru_tune.ops.precision import MATMUL, multiplying, require_matmul


def lowered_for_cuda(name: str) -> str:
    """Return the program of a product and its gradients, as XLA for a GPU gets it."""

    def objective(a, b):
        return jnp.sum(jnp.tanh(a @ b))

    square = jax.ShapeDtypeStruct((8, 8), jnp.float32)
    traced = jax.jit(multiplying(name, jax.grad(objective, (0, 1)))).trace(square, square)
    return traced.lower(lowering_platforms=("cuda",)).as_text()


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("bf16", "lhs_precision_type = bf16"),
        ("tf32", "lhs_precision_type = tf32"),
        ("f32", "HIGHEST"),
    ],
)
def test_every_product_of_value_and_gradient_is_rounded_as_named(name, mark):
    products = [line for line in lowered_for_cuda(name).splitlines() if "dot_general" in line]
    assert len(products) == 3
    assert all(mark in line for line in products)
    if name != "f32":
        assert all("accumulation_type = f32" in line for line in products)


def test_device_leaves_the_choice_to_jax():
    assert "HIGHEST" not in lowered_for_cuda("device")
    assert "algorithm" not in lowered_for_cuda("device")


@pytest.mark.parametrize("name", MATMUL)
def test_a_cpu_refuses_what_it_would_not_do(name):
    if name in ("device", "f32"):
        require_matmul(name)
    else:
        with pytest.raises(ConfigError) as error:
            require_matmul(name)
        assert error.value.code == "ops.matmul-needs-gpu"
