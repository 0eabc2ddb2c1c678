"""Batch norm as a map equals flax's, in value, running averages and gradient."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.models.batch_norm import BatchNorm


@pytest.fixture
def x() -> jax.Array:
    return 3.0 + 2.0 * jax.random.normal(jax.random.key(0), (20, 6, 5))


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_batch_norm_equals_that_of_flax(mode, x):
    ours = BatchNorm(mode, momentum=0.9)
    theirs = nn.BatchNorm(use_running_average=mode == "eval", momentum=0.9)
    variables = theirs.init(jax.random.key(0), x)
    noise = jax.tree.map(lambda leaf: leaf + 0.3, variables)

    def through_ours(variables, x):
        affine, updates = ours.apply(variables, x, mutable=["batch_stats"])
        return jnp.sum(jnp.sin(affine(x))), updates

    def through_theirs(variables, x):
        y, updates = theirs.apply(variables, x, mutable=["batch_stats"])
        return jnp.sum(jnp.sin(y)), updates

    with jax.enable_x64(True):
        noise, x = jax.tree.map(lambda leaf: jnp.float64(leaf), (noise, x))
        got, expected = (
            jax.value_and_grad(f, argnums=(0, 1), has_aux=True)(noise, x)
            for f in (through_ours, through_theirs)
        )
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_a_constant_feature_becomes_its_bias(x):
    x = x.at[:, :, 2].set(1e4)
    variables = BatchNorm("train", 0.9).init(jax.random.key(0), x)
    affine, _ = BatchNorm("train", 0.9).apply(variables, x, mutable=["batch_stats"])
    # Rounding of the squares may leave a difference below zero, which must not become a NaN.
    assert jnp.all(jnp.isfinite(affine(x)))
