"""The GPU kernels against the sequential scan: interpreted and lowered here, run on a GPU by `-m gpu`."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.errors import ConfigError
from lru_tune.ops.scan.linear_scan import linear_scan, sequential_adjoint
from lru_tune.ops.scan.linear_scan import sequential_scan as twin
from lru_tune.ops.scan.pallas_scan import (
    INSTANCES,
    THREADS,
    Tiling,
    interpreted,
    mosaic,
    pallas_adjoint,
    pallas_scan,
    tiling,
)

# As in test_scan.py: rounding errors accumulate over the memory of the recurrence.
TOLERANCE = 1e-4

LAUNCHES = [
    pytest.param(interpreted, id="interpreted"),
    pytest.param(mosaic, id="gpu", marks=pytest.mark.gpu),
]


def problem(length: int, batch: int, n: int):
    """Return planes of decay, drive and gradient; the moduli go from 0 to nearly 1."""
    rng = np.random.default_rng(length)
    moduli = np.resize([0.9999, 0.0, 0.3, 0.97, 1e-3], n)
    decay = moduli * np.exp(1j * rng.uniform(0, 2 * np.pi, n))
    decay = jnp.asarray(np.concatenate([decay.real, decay.imag]), jnp.float32)
    return decay, *jnp.asarray(rng.normal(size=(2, length, batch, 2 * n)), jnp.float32)


def assert_close(ours, exact):
    scale = max(1.0, float(jnp.max(jnp.abs(exact))))
    np.testing.assert_allclose(ours / scale, exact / scale, atol=TOLERANCE, rtol=0)


def assert_equals_the_twin(length, batch, n, reverse, cut, launch):
    decay, drive, grad = problem(length, batch, n)
    scan = jax.jit(partial(pallas_scan, reverse=reverse, cut=cut, launch=launch))
    adjoint = jax.jit(partial(pallas_adjoint, reverse=reverse, cut=cut, launch=launch))
    states = twin(decay, drive, reverse)
    assert_close(scan(decay, drive), states)
    for ours, exact in zip(
        adjoint(decay, states, grad), sequential_adjoint(decay, states, grad, reverse), strict=True
    ):
        assert_close(ours, exact)


@pytest.mark.parametrize("launch", LAUNCHES)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    "length", [1, 129, *(pytest.param(t, marks=pytest.mark.slow) for t in (2, 127, 128, 300, 1024))]
)
def test_values_and_gradients_equal_the_sequential_scans(length, reverse, launch):
    assert_equals_the_twin(length, 3, 5, reverse, Tiling(chunk=128, ahead=4), launch)


@pytest.mark.parametrize("launch", LAUNCHES)
@pytest.mark.parametrize("n", [THREADS, THREADS + 2, 2 * THREADS])
@pytest.mark.slow
def test_blocks_of_channels_cover_every_width(n, launch):
    assert_equals_the_twin(19, 2, n, False, Tiling(chunk=8, ahead=2), launch)


@pytest.mark.parametrize("launch", LAUNCHES)
def test_vmap_over_sequences_and_over_decays_equals_a_loop(launch):
    scan = partial(pallas_scan, reverse=False, cut=Tiling(8, 2), launch=launch)
    decay, *drives = problem(9, 2, 3)
    decays, drives = jnp.stack([decay, decay / 2]), jnp.stack(drives)
    ours = jax.jit(jax.vmap(scan))(decays, drives)
    for i in range(2):
        assert_close(ours[i], twin(decays[i], drives[i], False))


@pytest.mark.slow
def test_mosaics_own_interpreter_agrees():
    params = pytest.importorskip("jax._src.pallas.mosaic_gpu.interpret.params")
    launch = partial(mosaic, interpret=params.InterpretGPUParams())
    assert_equals_the_twin(9, 1, THREADS, True, Tiling(chunk=4, ahead=2), launch)


@pytest.mark.parametrize(("length", "batch", "n"), [(2048, 32, 256), (301, 3, 5)])
def test_both_kernels_are_lowered_for_cuda_on_any_machine(length, batch, n):
    decay = jax.ShapeDtypeStruct((2 * n,), jnp.float32)
    drive = jax.ShapeDtypeStruct((length, batch, 2 * n), jnp.float32)
    for function, arguments in (
        (pallas_scan, (decay, drive)),
        (pallas_adjoint, (decay, drive, drive)),
    ):
        traced = jax.jit(partial(function, reverse=False)).trace(*arguments)
        text = traced.lower(lowering_platforms=("cuda",)).as_text()
        # One kernel for the ends of the chunks, one for the replay.
        assert text.count("custom_call @mosaic_gpu") == 2


@pytest.mark.parametrize("batch", [1, 32, 500])
@pytest.mark.parametrize("length", [100, 2048, 16384])
def test_chunks_are_no_shorter_than_the_gpu_needs(length, batch):
    chunk = tiling(length, batch, 256).chunk
    rows = 2 * batch
    assert chunk == 128 or rows * -(-length // chunk) >= INSTANCES
    assert chunk >= length or rows * -(-length // (2 * chunk)) < INSTANCES


def test_other_numbers_than_float32_are_refused():
    with pytest.raises(ValueError, match="float32, got bfloat16"):
        pallas_scan(jnp.zeros(4), jnp.zeros((2, 1, 4), jnp.bfloat16), False)


def test_a_cpu_is_refused_with_what_to_choose_instead():
    with pytest.raises(ConfigError) as caught:
        linear_scan(jnp.zeros(4), jnp.zeros((3, 2, 4)), backend="pallas")
    assert caught.value.code == "ops.pallas-needs-gpu"
