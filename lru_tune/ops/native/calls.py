"""Calls the C++ scan from JAX programs, on a CPU, and makes all of the C++ known to JAX."""

import ctypes
from functools import cache

import jax
import jax.numpy as jnp
from jax import Array, ShapeDtypeStruct

from lru_tune.errors import ConfigError, ResourcesMissing
from lru_tune.ops.native.build import WITHOUT, native_library

SCAN, ADJOINT = "lru_tune_scan", "lru_tune_scan_adjoint"  # functions of scan.cpp
BLOCK, BLOCK_ADJOINT = "lru_tune_block", "lru_tune_block_adjoint"  # of block.cpp
DTYPES = ("float32", "float64")


def native_scan(decay: Array, drive: Array, reverse: bool) -> Array:
    """Solve h_t = lambda h_{t-1} + b_t; see `lru_tune.ops.scan.linear_scan.linear_scan`.

    Under `vmap` the mapped axes become axes in front that the C++ loops over.

    Raises:
      TypeError, ConfigError, ResourcesMissing: as `require_native_for`.
    """
    require_native_for(drive)
    call = jax.ffi.ffi_call(SCAN, _like(drive), vmap_method="broadcast_all")
    return call(decay, drive, reverse=reverse)


def native_adjoint(decay: Array, states: Array, grad: Array, reverse: bool) -> tuple[Array, Array]:
    """Return the gradients of decay and drive; see `lru_tune.ops.scan.linear_scan.sequential_adjoint`.

    Each sequence's part of the decay's gradient is summed over time by one thread, so that the numbers do
    not depend on how many there are.
    """
    require_native_for(grad)
    results = (_like(grad), ShapeDtypeStruct(grad.shape[1:], grad.dtype))
    call = jax.ffi.ffi_call(ADJOINT, results, vmap_method="broadcast_all")
    grad_drive, sums = call(decay, states, grad, reverse=reverse)
    return jnp.sum(sums, axis=0), grad_drive


@cache
def require_native() -> None:
    """Build the C++ if need be and make it known to JAX; costs nothing after the first time.

    Raises:
      ConfigError: the default device is no CPU.
      ResourcesMissing: it cannot be built or loaded here.
    """
    if jax.default_backend() != "cpu":
        raise ConfigError(
            "native back ends run on a CPU, and this would train on another device. "
            "Say --set runtime.block=auto --set runtime.scan=auto, or JAX_PLATFORMS=cpu"
        )
    path = native_library()
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise ResourcesMissing(
            f"native back ends: {path} cannot be loaded: {error}. "
            f"Name another folder in JAX_COMPILATION_CACHE_DIR. {WITHOUT}"
        ) from error
    for name in (SCAN, ADJOINT, BLOCK, BLOCK_ADJOINT):
        jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(getattr(library, name)), platform="cpu")


def native_obstacle() -> str | None:
    """Return why there is no native scan in this process, None where there is one; builds it if need be."""
    try:
        require_native()
    except (ConfigError, ResourcesMissing) as error:
        return str(error)
    return None


def require_native_for(array: Array) -> None:
    """Do what `require_native` does, for arrays like this one.

    Raises:
      TypeError: neither float32 nor float64.
      ConfigError, ResourcesMissing: as `require_native`.
    """
    if array.dtype.name not in DTYPES:
        raise TypeError(f"native back ends take {' or '.join(DTYPES)}, got {array.dtype.name}")
    require_native()


def _like(array: Array) -> ShapeDtypeStruct:
    return ShapeDtypeStruct(array.shape, array.dtype)
