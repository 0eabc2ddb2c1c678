"""A matrix at every step, and the gradient of its weights whichever way it is taken."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.ops.projection import outer_sum, project


def plain(x, weights):
    return jnp.einsum("tbf,fg->tbg", x, weights)


@pytest.mark.parametrize(("features", "outputs"), [(5, 11), (11, 5), (7, 7), (1, 3)])
def test_project_equals_the_sum_in_value_and_gradient(features, outputs):
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(0), 3)
        x = jax.random.normal(keys[0], (6, 4, features))
        weights = jax.random.normal(keys[1], (features, outputs))
        cotangent = jax.random.normal(keys[2], (6, 4, outputs))
        value, pull = jax.vjp(project, x, weights)
        expected, pull_plain = jax.vjp(plain, x, weights)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        for got, want in zip(pull(cotangent), pull_plain(cotangent), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize(("rows", "columns"), [(8, 32), (32, 8)])
def test_the_weights_gradient_is_never_compiled_to_a_tall_product(rows, columns):
    def gradient(x, y):
        return outer_sum(x, y), outer_sum(y, x).T

    x, y = jnp.ones((64, rows)), jnp.ones((64, columns))
    compiled = jax.jit(gradient).lower(x, y).compile().as_text()
    products = [line for line in compiled.splitlines() if " dot(" in line]
    assert products
    # In the other layout, {0,1}, it is the wide product under another name.
    assert not [line for line in products if "f32[32,8]{1,0} dot(" in line]


def test_project_can_be_mapped_over_trials():
    x = jax.random.normal(jax.random.key(0), (3, 6, 4, 5))
    weights = jax.random.normal(jax.random.key(1), (3, 5, 2))

    def loss(x, weights):
        return jnp.sum(project(x, weights) ** 2)

    together = jax.vmap(jax.grad(loss, argnums=(0, 1)))(x, weights)
    for i in range(3):
        alone = jax.grad(loss, argnums=(0, 1))(x[i], weights[i])
        # Another order of summation.
        np.testing.assert_allclose(together[0][i], alone[0], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(together[1][i], alone[1], rtol=1e-5, atol=1e-5)
