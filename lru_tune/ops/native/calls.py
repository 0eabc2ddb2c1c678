"""Registers the C++ with JAX, and calls its scan from JAX programs on a CPU."""

import ctypes
from functools import cache

import jax
import jax.numpy as jnp
from jax import Array, ShapeDtypeStruct

from lru_tune.errors import ConfigError, ResourcesMissing
from lru_tune.ops.native.build import native_library

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

    One thread sums a sequence's part of the decay's gradient over time, so that the numbers do not depend on
    the number of threads.
    """
    require_native_for(grad)
    results = (_like(grad), ShapeDtypeStruct(grad.shape[1:], grad.dtype))
    call = jax.ffi.ffi_call(ADJOINT, results, vmap_method="broadcast_all")
    grad_drive, sums = call(decay, states, grad, reverse=reverse)
    return jnp.sum(sums, axis=0), grad_drive


@cache
def require_native() -> None:
    """Register the C++ with JAX, and build it first if the cache does not hold it; free after the first call.

    Raises:
      ConfigError: the default device is not a CPU.
      ResourcesMissing: the C++ cannot be built or loaded here.
    """
    if (device := jax.default_backend()) != "cpu":
        raise ConfigError("ops.native-needs-cpu", device=device)
    path = native_library()
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise ResourcesMissing("ops.native-not-loaded", path=path, reason=error) from error
    for name in (SCAN, ADJOINT, BLOCK, BLOCK_ADJOINT):
        jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(getattr(library, name)), platform="cpu")


def native_obstacle() -> str | None:
    """Do what `require_native` does; return the reason if that fails, None if the C++ can be called."""
    try:
        require_native()
    except (ConfigError, ResourcesMissing) as error:
        return str(error)
    return None


def require_native_for(array: Array) -> None:
    """Do what `require_native` does, and check the type of an array.

    Raises:
      TypeError: neither float32 nor float64.
      ConfigError, ResourcesMissing: as `require_native`.
    """
    if array.dtype.name not in DTYPES:
        raise TypeError(f"native back ends take {' or '.join(DTYPES)}, got {array.dtype.name}")
    require_native()


def _like(array: Array) -> ShapeDtypeStruct:
    return ShapeDtypeStruct(array.shape, array.dtype)
