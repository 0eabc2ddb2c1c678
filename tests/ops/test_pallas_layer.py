"""The layer in GPU kernels against the plain one: interpreted and lowered here, run on a GPU by `-m gpu`."""

import math
import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.errors import ConfigError
from lru_tune.ops.fused_layer import Weights, plain_layer
from lru_tune.ops.pallas_layer import (
    INSTANCES,
    Tiling,
    demand_features,
    demand_pallas_layer,
    pallas_layer,
    tiling,
)

# Rounding errors accumulate over the memory of the recurrence; those of bf16 are 2**16 times as large.
TOLERANCE = {"float32": 1e-4, "bfloat16": 2e-2}
# T, B, N, H, G: less than a tile, several of everything, and blocks of every kind.
SMALL = (5, 2, 3, 4, 2)


def interpreted() -> dict:
    params = pytest.importorskip("jax._src.pallas.mosaic_gpu.interpret.params")
    return {"interpret": params.InterpretGPUParams()}


def problem(length, batch, n, h, g):
    """Return weights, inputs and a gradient; the moduli go from 0 to nearly 1."""
    rng = np.random.default_rng(length)
    moduli = np.resize([0.9999, 0.0, 0.3, 0.97, 1e-3], n)
    decay = moduli * np.exp(1j * rng.uniform(0, 2 * np.pi, n))
    weights = (
        np.concatenate([decay.real, decay.imag]),
        rng.normal(size=(2 * n, h)),
        rng.normal(size=(2 * n, g)),
    )
    return weights, rng.normal(size=(length, batch, h)), rng.normal(size=(length, batch, g))


def values(layer, dtype, sizes):
    """Return outputs, and gradients of decay, enter, read and inputs."""
    parts, inputs, towards = jax.tree.map(partial(jnp.asarray, dtype=dtype), problem(*sizes))

    def objective(weights, inputs):
        outputs = layer(weights, inputs)
        return jnp.sum(outputs * towards), outputs

    compiled = jax.jit(jax.value_and_grad(objective, (0, 1), has_aux=True))
    (_, outputs), (grads, grad_inputs) = compiled(Weights(*parts), inputs)
    return outputs, *grads, grad_inputs


def assert_equals_the_plain_layer(sizes, cut, reverse, operands, **options):
    layer = partial(pallas_layer, reverse=reverse, cut=cut, operands=operands, **options)
    with jax.enable_x64(True):
        plain = partial(plain_layer, backend="sequential", reverse=reverse)
        exact = [np.asarray(x) for x in values(plain, "float64", sizes)]
    names = ("outputs", *Weights._fields, "inputs")
    for name, ours, true in zip(names, values(layer, "float32", sizes), exact, strict=True):
        scale = np.max(np.abs(true))
        np.testing.assert_allclose(
            ours / scale, true / scale, atol=TOLERANCE[operands], rtol=0, err_msg=name
        )


LAUNCHES = [
    pytest.param(interpreted, "float32", id="interpreted", marks=pytest.mark.slow),
    pytest.param(dict, "bfloat16", id="gpu", marks=pytest.mark.gpu),
]


@pytest.mark.parametrize(("options", "operands"), LAUNCHES)
@pytest.mark.parametrize(
    ("sizes", "cut", "reverse"),
    [
        pytest.param(SMALL, Tiling(1, 1), False, id="less than a tile"),
        pytest.param((50, 9, 5, 4, 2), Tiling(2, 2), True, id="chunks, spans and groups"),
        pytest.param((20, 2, 70, 40, 70), Tiling(1, 1), False, id="blocks of channels and outputs"),
    ],
)
def test_value_and_gradients_equal_the_layer_that_holds_all_states(
    sizes, cut, reverse, options, operands
):
    assert_equals_the_plain_layer(sizes, cut, reverse, operands, **options())


@pytest.mark.gpu
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("h", [100, 130, 300])
def test_on_a_gpu_the_default_cut_gives_the_numbers_too(h, reverse):
    assert_equals_the_plain_layer((300, 20, 130, h, 70), None, reverse, "bfloat16")


@pytest.mark.slow
def test_factors_in_bf16_are_as_far_off_as_their_rounding():
    assert_equals_the_plain_layer(SMALL, Tiling(1, 1), True, "bfloat16", **interpreted())


@pytest.mark.slow
def test_inputs_in_two_blocks_are_summed():
    assert_equals_the_plain_layer(
        (5, 1, 3, 260, 2), Tiling(1, 1), False, "float32", **interpreted()
    )


def lowered(function, length, batch, n, h):
    shapes = ((2 * n,), (2 * n, h), (2 * n, h)), (length, batch, h)
    parts, inputs = jax.tree.map(
        lambda shape: jax.ShapeDtypeStruct(shape, jnp.float32),
        shapes,
        is_leaf=lambda x: isinstance(x[0], int),
    )
    traced = jax.jit(function).trace(Weights(*parts), inputs)
    return traced.lower(lowering_platforms=("cuda",)).as_text()


@pytest.mark.parametrize(
    ("length", "batch", "n", "h"),
    [
        pytest.param(1024, 50, 384, 512, id="sCIFAR", marks=pytest.mark.slow),
        pytest.param(2048, 32, 256, 128, id="ListOps"),
        pytest.param(4096, 32, 192, 256, id="Text", marks=pytest.mark.slow),
        pytest.param(4000, 128, 256, 128, id="Retrieval", marks=pytest.mark.slow),
        pytest.param(1024, 64, 256, 192, id="Pathfinder", marks=pytest.mark.slow),
        pytest.param(16384, 32, 256, 128, id="PathX", marks=pytest.mark.slow),
    ],
)
def test_all_kernels_are_lowered_for_cuda_at_the_papers_sizes(length, batch, n, h):
    def objective(weights, inputs):
        return jnp.sum(pallas_layer(weights, inputs) ** 2)

    text = lowered(jax.grad(objective, (0, 1)), length, batch, n, h)
    # The ends of chunks, the scan over them and the outputs in both directions; two outer products, and the
    # sums for the decay.
    assert text.count("custom_call @mosaic_gpu") == 2 * 3 + 3


@pytest.mark.slow
def test_lanes_of_layers_are_lowered_as_one_kernel_each():
    def objective(weights, inputs):
        return jnp.sum(pallas_layer(weights, inputs) ** 2)

    def lanes(weights, inputs):
        several = jax.tree.map(lambda x: jnp.stack([x, x]), (weights, inputs))
        return jax.vmap(jax.grad(objective, (0, 1)))(*several)

    text = lowered(lanes, 64, 8, 64, 64)
    assert text.count("custom_call @mosaic_gpu") == 2 * 3 + 3


def test_no_array_of_all_states_is_in_the_program():
    length, batch, n, h = 2048, 32, 256, 128

    def largest(layer):
        text = lowered(jax.grad(lambda w, u: jnp.sum(layer(w, u) ** 2)), length, batch, n, h)
        shapes = re.findall(r"tensor<([\dx]+)x(?:f32|bf16)>", text)
        return max(math.prod(map(int, shape.split("x"))) for shape in shapes)

    plain = partial(plain_layer, backend="sequential", reverse=False)
    assert largest(plain) == length * batch * 2 * n
    assert largest(pallas_layer) == length * batch * h


@pytest.mark.parametrize("batch", [1, 32, 500])
@pytest.mark.parametrize("length", [100, 2048, 4000, 16384])
def test_chunks_and_spans_are_no_shorter_than_the_gpu_needs(length, batch):
    cut = tiling(length, batch, 256)
    tiles, rows = -(-length // 8), -(-batch // 8)
    chunks = -(-tiles // cut.chunk)
    assert cut.chunk == 1 or rows * chunks >= INSTANCES
    assert cut.span == 1 or 4 * rows * chunks // cut.span >= INSTANCES
    assert chunks % cut.span == 0


def test_other_numbers_than_float32_are_refused():
    parts, inputs, _ = jax.tree.map(partial(jnp.asarray, dtype="bfloat16"), problem(*SMALL))
    with pytest.raises(ValueError, match="float32, got bfloat16"):
        pallas_layer(Weights(*parts), inputs)


def test_a_cpu_is_refused_with_what_to_choose_instead():
    with pytest.raises(ConfigError, match=r"kernel for GPUs.*choose runtime.states: kept"):
        demand_pallas_layer(128)


def test_more_features_than_shared_memory_holds_are_refused():
    with pytest.raises(ConfigError, match="at most 512"):
        demand_features(513)
    demand_features(512)
