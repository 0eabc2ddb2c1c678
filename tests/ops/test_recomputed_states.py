import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.ops.layer_weights import LayerWeights
from lru_tune.ops.projection import project
from lru_tune.ops.recomputed_states import recomputed_layer
from lru_tune.ops.scan.linear_scan import linear_scan

# Rounding over a memory of at most T steps, relative to the largest entry.
TOLERANCE = {"float32": 1e-4, "float64": 1e-11}


def plain_layer(weights: LayerWeights, inputs: jax.Array, reverse: bool) -> jax.Array:
    """All states at once and derivatives by autodiff: the slow twin."""
    drive = project(inputs, weights.enter.T)
    states = linear_scan(weights.decay, drive, backend="sequential", reverse=reverse)
    return project(states, weights.read)


def problem(length: int, dtype: str, batch: int = 3, n: int = 4, h: int = 5, g: int = 2):
    rng = np.random.default_rng(length)
    decay = np.array([0.999, 0.0, 0.5, 0.97]) * np.exp(1j * rng.uniform(0, 2 * np.pi, n))
    parts = (
        np.concatenate([decay.real, decay.imag]),
        rng.normal(size=(2 * n, h)),
        rng.normal(size=(2 * n, g)),
    )
    weights = LayerWeights(*(jnp.asarray(part, dtype) for part in parts))
    inputs, towards = rng.normal(size=(length, batch, h)), rng.normal(size=(length, batch, g))
    return weights, jnp.asarray(inputs, dtype), jnp.asarray(towards, dtype)


def assert_layers_agree(dtype, length, chunk, reverse, backend):
    weights, inputs, towards = problem(length, dtype)

    def values(layer):
        def objective(weights, inputs):
            outputs = layer(weights, inputs)
            return jnp.sum(outputs * towards), outputs

        compiled = jax.jit(jax.value_and_grad(objective, (0, 1), has_aux=True))
        return jax.tree.leaves(compiled(weights, inputs))

    recomputed = values(
        lambda w, u: recomputed_layer(w, u, chunk=chunk, backend=backend, reverse=reverse)
    )
    plain = values(lambda w, u: plain_layer(w, u, reverse=reverse))
    for ours, exact in zip(recomputed, plain, strict=True):
        assert ours.dtype == dtype
        scale = max(1.0, np.max(np.abs(exact)))
        np.testing.assert_allclose(ours / scale, exact / scale, atol=TOLERANCE[dtype], rtol=0)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("length", "chunk"), [(1, 8), (8, 8), (21, 8), (200, 16)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_value_and_gradient_equal_the_layer_that_holds_all_states(dtype, length, chunk, reverse):
    with jax.enable_x64(dtype == "float64"):
        assert_layers_agree(dtype, length, chunk, reverse, "sequential")


@pytest.mark.parametrize("backend", ["chunked", "associative"])
def test_every_back_end_serves(backend):
    assert_layers_agree("float32", 100, 32, False, backend)


def test_the_states_of_the_whole_sequence_are_never_held():
    weights, inputs, _ = problem(4096, "float32")

    def memory(layer):
        grads = jax.grad(lambda w, u: jnp.sum(layer(w, u) ** 2), (0, 1))
        return jax.jit(grads).lower(weights, inputs).compile().memory_analysis().temp_size_in_bytes

    wide = weights._replace(
        decay=jnp.tile(weights.decay, 16),
        enter=jnp.tile(weights.enter, (16, 1)),
        read=jnp.tile(weights.read, (16, 1)),
    )
    weights = wide
    recomputed = memory(lambda w, u: recomputed_layer(w, u, chunk=128, backend="sequential"))
    plain = memory(lambda w, u: plain_layer(w, u, reverse=False))
    assert recomputed < plain / 4
