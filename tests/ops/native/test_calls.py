"""The C++ scan against a float64 loop and the sequential back end, under everything JAX does to it."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from scan_oracle import loop, loop_gradients, planes

from lru_tune.errors import ConfigError
from lru_tune.ops.native.calls import native_scan, require_native
from lru_tune.ops.scan.linear_scan import linear_scan

pytestmark = pytest.mark.usefixtures("native")

# float32 rounding of about 1e-7 a step over a memory of at most T steps, and float64's; relative to the
# largest number.
TOLERANCE = {"float32": 1e-4, "float64": 1e-12}


def problem(length: int, batch: int, n: int):
    """Random numbers; the channels forget at once, in some steps, or hardly at all."""
    rng = np.random.default_rng([length, batch, n])
    modulus = np.resize([0.0, 0.5, 0.97, 0.9999], n)
    decay = modulus * np.exp(1j * rng.uniform(0, 2 * np.pi, n))
    drive, weight = rng.normal(size=(2, 2, length, batch, n)).transpose(1, 0, 2, 3, 4)
    return decay, drive[0] + 1j * drive[1], weight[0] + 1j * weight[1]


@partial(jax.jit, static_argnames=("backend", "reverse"))
def value_and_gradients(decay, drive, weight, *, backend="native", reverse=False):
    def objective(decay, drive):
        states = linear_scan(decay, drive, backend=backend, reverse=reverse)
        return jnp.sum(states * weight), states

    (_, states), grads = jax.value_and_grad(objective, (0, 1), has_aux=True)(decay, drive)
    return states, *grads


def arrays(dtype: str, *parts: np.ndarray) -> tuple[jax.Array, ...]:
    return tuple(jnp.asarray(planes(part), dtype) for part in parts)


def close(ours, exact, tolerance: float) -> None:
    exact = np.asarray(exact)
    largest = max(float(np.max(np.abs(exact))), 1e-30)
    np.testing.assert_allclose(np.asarray(ours), exact, rtol=0, atol=tolerance * largest)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("length", [1, 2, 63, 64, 65, 300])
@pytest.mark.parametrize(("batch", "n"), [(1, 7), (3, 130)])
@pytest.mark.parametrize("reverse", [False, True])
def test_values_and_gradients_are_those_of_the_loop_and_of_the_sequential_back_end(
    reverse, batch, n, length, dtype
):
    decay, drive, weight = problem(length, batch, n)
    exact = loop(decay, drive, reverse)
    expected = [planes(part) for part in (exact, *loop_gradients(decay, exact, weight, reverse))]
    with jax.enable_x64(dtype == "float64"):
        given = arrays(dtype, decay, drive, weight)
        ours = value_and_gradients(*given, reverse=reverse)
        sequential = value_and_gradients(*given, backend="sequential", reverse=reverse)
    for found, slow, right in zip(ours, sequential, expected, strict=True):
        assert found.dtype == dtype
        close(found, right, TOLERANCE[dtype])
        close(found, slow, TOLERANCE[dtype])


@pytest.mark.parametrize("mapped", [(0, 0), (0, None), (None, 0), (None, 2)])
def test_vmap_equals_a_loop_over_the_mapped_axis(mapped):
    """Lanes with a decay of their own, one decay for all, one drive for all, another axis."""
    rng = np.random.default_rng(0)

    def given(shape, axis):
        shape = shape if axis is None else (*shape[:axis], 4, *shape[axis:])
        return jnp.asarray(0.4 * rng.normal(size=shape), jnp.float32)

    decay, drive = given((10,), mapped[0]), given((70, 3, 10), mapped[1])
    weight = jnp.asarray(rng.normal(size=(70, 3, 10)), jnp.float32)
    run = lambda decay, drive: value_and_gradients(decay, drive, weight)  # noqa: E731
    together = jax.jit(jax.vmap(run, mapped))(decay, drive)
    for lane in range(4):
        pick = lambda x, axis: x if axis is None else jnp.take(x, lane, axis)  # noqa: E731, B023
        alone = run(pick(decay, mapped[0]), pick(drive, mapped[1]))
        for ours, theirs in zip(together, alone, strict=True):
            np.testing.assert_array_equal(ours[lane], theirs)


def test_a_gradient_through_vmap_adds_up_over_what_is_shared():
    decay, drive, _ = arrays("float32", *problem(40, 12, 5))

    def objective(scan):
        return jax.jit(jax.grad(lambda d: jnp.sum(scan(d) ** 2)))(decay)

    mapped = objective(
        lambda d: jax.vmap(lambda x: linear_scan(d, x, backend="native"), 1, 1)(
            drive.reshape(40, 4, 3, 10)
        )
    )
    whole = objective(lambda d: linear_scan(d, drive, backend="native"))
    close(mapped, whole, 1e-6)


def test_loops_and_checkpoints_around_the_scan_change_nothing():
    decay, drive, weight = arrays("float32", *problem(65, 2, 5))

    def two_layers(layer):
        def objective(decay, drive):
            return jnp.sum(layer(decay, jnp.tanh(layer(decay, drive))) * weight)

        return jax.grad(objective, (0, 1))

    plain = two_layers(lambda a, b: linear_scan(a, b, backend="native"))
    saved = two_layers(jax.checkpoint(lambda a, b: linear_scan(a, b, backend="native")))

    @jax.jit
    def in_a_loop(decay, drive):
        def step(carry):
            i, _ = carry
            return i + 1, saved(decay, drive)

        start = jnp.int32(0), (jnp.zeros_like(decay), jnp.zeros_like(drive))
        return lax.while_loop(lambda carry: carry[0] < 3, step, start)[1]

    for ours, theirs in zip(in_a_loop(decay, drive), plain(decay, drive), strict=True):
        close(ours, theirs, 1e-6)


def test_what_is_not_finite_comes_through():
    drive = jnp.ones((5, 1, 2)).at[2, 0, 0].set(jnp.nan)
    states = linear_scan(jnp.array([0.5, 0.0]), drive, backend="native")
    np.testing.assert_array_equal(jnp.isnan(states[:, 0, 0]), [False, False, True, True, True])


THREADED = """
import hashlib, sys
import jax, jax.numpy as jnp, numpy as np
from lru_tune.ops.scan.linear_scan import linear_scan

rng = np.random.default_rng(0)
for length, batch, n in ((700, 3, 131), (2000, 1, 200), (90, 64, 33)):
    angle = rng.uniform(0, 6.28, n)
    decay = jnp.asarray(0.99 * np.concatenate([np.cos(angle), np.sin(angle)]), jnp.float32)
    drive, weight = jnp.asarray(rng.normal(size=(2, length, batch, 2 * n)), jnp.float32)

    def objective(a, b):
        states = linear_scan(a, b, backend="native")
        return jnp.sum(states * weight), states

    (_, states), grads = jax.jit(jax.value_and_grad(objective, (0, 1), has_aux=True))(decay, drive)
    for part in (states, *grads):
        print(hashlib.sha256(np.asarray(part).tobytes()).hexdigest())
"""


def test_results_do_not_depend_on_the_number_of_threads(printed):
    one = printed(THREADED, 1)
    assert len(one.split()) == 9
    assert printed(THREADED, 2) == one


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="take float32 or float64, got bfloat16"):
        native_scan(jnp.ones(2, jnp.bfloat16), jnp.ones((3, 1, 2), jnp.bfloat16), False)


def test_another_default_device_is_refused(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    require_native.cache_clear()
    with pytest.raises(ConfigError) as caught:
        linear_scan(jnp.ones(2), jnp.ones((3, 1, 2)), backend="native")
    assert caught.value.code == "ops.native-needs-cpu"
