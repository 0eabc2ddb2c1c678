"""The C++ block against the formulas in JAX, in value and every gradient."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lru_tune.ops.native.block import BlockInputs, BlockWeights, native_block

pytestmark = pytest.mark.usefixtures("native")

# Of the largest number: rounding over memories of up to a few hundred steps.
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}


def problem(length, batch, h, n, *, full=True, dtype="float64", seed=0):
    """Random weights, inputs and masks; the states forget in some steps, or hardly at all."""
    rng = np.random.default_rng([seed, length, batch, h, n])
    mixed = 2 * h if full else h
    decay = rng.uniform(0.3, 0.999, n) * np.exp(1j * rng.uniform(0, 2 * np.pi, n))

    def normal(*shape, scale=1.0):
        return jnp.asarray(scale * rng.normal(size=shape), dtype)

    weights = BlockWeights(
        mean=normal(h, scale=0.3),
        gain=1.0 + normal(h, scale=0.1),
        bias=normal(h, scale=0.1),
        decay=jnp.asarray(np.concatenate([decay.real, decay.imag]), dtype),
        enter=normal(h, 2 * n, scale=(2 * h) ** -0.5),
        read=normal(2 * n, h, scale=n**-0.5),
        skip=normal(h),
        mix=normal(h, mixed, scale=h**-0.5),
        mix_bias=normal(mixed, scale=0.1),
    )
    masks = [jnp.asarray(rng.random((batch, h)) < 0.8, dtype) / 0.8 for _ in range(2)]
    return weights, BlockInputs(normal(length, batch, h), *masks)


@jax.numpy_rank_promotion("allow")
def formulas(weights, inputs, *, last=None):
    """The slow twin: one step after the other, in complex numbers, derivatives by autodiff."""
    w, n, h = weights, weights.decay.shape[0] // 2, weights.skip.shape[0]
    x, mask_states, mask_mixed = inputs
    decay = w.decay[:n] + 1j * w.decay[n:]
    enter = w.enter[:, :n] + 1j * w.enter[:, n:]
    read = w.read[:n] + 1j * w.read[n:]

    def step(state, normed):
        state = decay * state + normed @ enter
        return state, jnp.real(state @ read.conj()) + w.skip * normed

    normed = (x - w.mean) * w.gain + w.bias
    _, y = lax.scan(step, jnp.zeros((x.shape[1], n), decay.dtype), normed)
    active = nn.gelu(y) * mask_states
    mixed = active @ w.mix + w.mix_bias
    value, gate = (mixed[..., :h], mixed[..., h:]) if mixed.shape[-1] > h else (active, mixed)
    outputs = x + value * nn.sigmoid(gate) * mask_mixed
    return outputs if last is None else outputs[-last:]


@partial(jax.jit, static_argnames=("block", "last", "keep"))
def value_and_gradients(weights, inputs, *, block=native_block, last=None, **how):
    def objective(weights, x):
        outputs = block(weights, inputs._replace(x=x), last=last, **how)
        return jnp.sum(jnp.sin(outputs)), outputs

    (_, outputs), grads = jax.value_and_grad(objective, (0, 1), has_aux=True)(weights, inputs.x)
    return {"outputs": outputs, "x": grads[1], **grads[0]._asdict()}


def assert_close(found, expected, tolerance):
    for name, right in expected.items():
        assert found[name].dtype == right.dtype
        largest = float(jnp.max(jnp.abs(right)))
        np.testing.assert_allclose(
            found[name], right, rtol=0, atol=tolerance * largest, err_msg=name
        )


@pytest.mark.parametrize("keep", ["values", "entering"])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(
    ("size", "full", "last"),
    [
        ((1, 1, 3, 2), True, None),
        ((50, 16, 24, 20), True, None),  # a part
        ((700, 3, 33, 17), False, None),  # two parts, chunks of time, widths that fill no panel
        ((260, 19, 16, 40), True, 10),  # six parts of three or four sequences, most steps unread
        ((260, 19, 16, 40), False, 259),
    ],
)
def test_values_and_gradients_are_those_of_the_formulas(size, full, last, dtype, keep):
    with jax.enable_x64(True):
        exact = problem(*size, full=full)
        expected = value_and_gradients(*exact, block=formulas, last=last)
        given = jax.tree.map(lambda leaf: leaf.astype(dtype), exact)
        found = value_and_gradients(*given, last=last, keep=keep)
        assert {leaf.dtype.name for leaf in found.values()} == {dtype}
        found = jax.tree.map(lambda leaf: leaf.astype("float64"), found)
        assert_close(found, expected, TOLERANCE[dtype])


def test_without_a_gradient_the_outputs_are_the_same():
    given = problem(300, 5, 16, 8, dtype="float32")
    for last in (None, 7):
        alone = jax.jit(partial(native_block, last=last))(*given)
        np.testing.assert_array_equal(alone, value_and_gradients(*given, last=last)["outputs"])


def test_numbers_far_from_zero_saturate_and_do_not_overflow():
    weights, inputs = problem(20, 2, 8, 4, dtype="float32")
    far = inputs._replace(x=1e4 * inputs.x)
    found = value_and_gradients(weights, far)
    expected = value_and_gradients(weights, far, block=formulas)
    np.testing.assert_allclose(found["outputs"], expected["outputs"], rtol=1e-4, atol=1.0)
    assert all(jnp.all(jnp.isfinite(leaf)) for leaf in found.values())


def test_what_is_not_finite_comes_through():
    weights, inputs = problem(20, 2, 8, 4, dtype="float32")
    spoilt = inputs._replace(x=inputs.x.at[5, 1, 3].set(jnp.nan))
    outputs = jax.jit(native_block)(weights, spoilt)
    assert not jnp.any(jnp.isnan(outputs[:, 0]))
    assert not jnp.any(jnp.isnan(outputs[:5]))
    assert jnp.all(jnp.isnan(outputs[5:, 1]))


def test_vmap_equals_a_loop_over_the_mapped_axis():
    problems = [problem(40, 3, 8, 4, dtype="float32", seed=lane) for lane in range(3)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *problems)
    together = jax.jit(jax.vmap(value_and_gradients))(*stacked)
    for lane in range(3):
        alone = value_and_gradients(*jax.tree.map(lambda leaf, i=lane: leaf[i], stacked))
        for name, leaf in alone.items():
            np.testing.assert_array_equal(together[name][lane], leaf, err_msg=name)


def test_other_types_of_numbers_are_refused():
    weights, inputs = problem(4, 1, 3, 2, dtype="float32")
    with pytest.raises(TypeError, match="float32 or float64, got bfloat16"):
        native_block(weights, inputs._replace(x=inputs.x.astype(jnp.bfloat16)))


THREADED = """
import hashlib
import jax, numpy as np
from test_block import problem, value_and_gradients

for size in ((700, 3, 33, 17), (100, 64, 32, 16)):
    for leaf in value_and_gradients(*problem(*size, dtype="float32")).values():
        print(hashlib.sha256(np.asarray(leaf).tobytes()).hexdigest())
"""


def test_results_do_not_depend_on_the_number_of_threads(printed):
    one = printed(THREADED, 1)
    assert len(one.split()) == 22
    assert printed(THREADED, 2) == one
