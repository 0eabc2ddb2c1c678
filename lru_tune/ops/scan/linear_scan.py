"""The linear scan h_t = lambda * h_{t-1} + b_t, with a constant complex diagonal lambda.

Complex numbers are two real planes side by side: an array (T, B, 2N) holds the real parts in its first N
columns and the imaginary parts in its last N. Time comes first because a step of the recurrence then reads
and writes one contiguous block.

The adjoint of such a scan is the same scan in the other direction with conj(lambda), so that a back end only
needs a forward pass: see `adjoint`. `linear_scan` has one derivative rule for all back ends.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from lru_tune.ops.native.calls import native_adjoint, native_scan, require_native
from lru_tune.ops.scan.pallas_scan import pallas_adjoint, pallas_scan, require_pallas

CHUNK = 64  # steps that the chunked back end computes one after the other, for all chunks at once


def multiply_planes(a: Array, b: Array) -> Array:
    """Multiply complex numbers held as [real | imaginary] planes along the last axis."""
    a_re, a_im = jnp.split(a, 2, axis=-1)
    b_re, b_im = jnp.split(b, 2, axis=-1)
    return jnp.concatenate([a_re * b_re - a_im * b_im, a_re * b_im + a_im * b_re], axis=-1)


def conjugate_planes(a: Array) -> Array:
    """Conjugate complex numbers held as [real | imaginary] planes along the last axis."""
    a_re, a_im = jnp.split(a, 2, axis=-1)
    return jnp.concatenate([a_re, -a_im], axis=-1)


def sequential_scan(decay: Array, drive: Array, reverse: bool) -> Array:
    """Compute one step after the other: the least memory traffic, and fast on a CPU."""
    decay = decay[None, :]

    def step(state: Array, drive_t: Array) -> tuple[Array, Array]:
        state = multiply_planes(decay, state) + drive_t
        return state, state

    _, states = lax.scan(step, jnp.zeros_like(drive[0]), drive, reverse=reverse)
    return states


def associative_scan(decay: Array, drive: Array, reverse: bool) -> Array:
    """Compute JAX's parallel prefix over pairs (lambda, b): logarithmic depth, much memory traffic."""

    def combine(left: tuple[Array, Array], right: tuple[Array, Array]) -> tuple[Array, Array]:
        (a_left, b_left), (a_right, b_right) = left, right
        return multiply_planes(a_right, a_left), multiply_planes(a_right, b_left) + b_right

    decays = jnp.broadcast_to(decay, (drive.shape[0], 1, decay.shape[-1]))
    return lax.associative_scan(combine, (decays, drive), reverse=reverse)[1]


def chunked_scan(decay: Array, drive: Array, reverse: bool) -> Array:
    """Compute chunks of CHUNK steps side by side, then carry the states through from chunk to chunk.

    With h entering a chunk, step j (from 1) of that chunk is its local solution plus lambda^j h.
    """
    length, batch, width = drive.shape
    n_chunks = -(-length // CHUNK)
    padding = n_chunks * CHUNK - length
    # Zeros go to the end that is computed last, where they change no result.
    drive = jnp.pad(drive, ((padding, 0) if reverse else (0, padding), (0, 0), (0, 0)))
    chunks = drive.reshape(n_chunks, CHUNK, batch, width).swapaxes(0, 1)
    local = sequential_scan(decay, chunks.reshape(CHUNK, n_chunks * batch, width), reverse)
    local = local.reshape(CHUNK, n_chunks, batch, width)

    def next_power(power: Array, _: None) -> tuple[Array, Array]:
        return multiply_planes(power, decay), power

    _, powers = lax.scan(next_power, decay, None, length=CHUNK)
    if reverse:
        powers = powers[::-1]
    totals = local[0] if reverse else local[-1]
    whole_chunk = powers[0] if reverse else powers[-1]

    def carry_on(entering: Array, total: Array) -> tuple[Array, Array]:
        return multiply_planes(whole_chunk[None, :], entering) + total, entering

    _, entering = lax.scan(carry_on, jnp.zeros_like(totals[0]), totals, reverse=reverse)
    states = local + multiply_planes(powers[:, None, None, :], entering[None])
    states = states.swapaxes(0, 1).reshape(n_chunks * CHUNK, batch, width)
    return states[padding:] if reverse else states[:length]


def adjoint(
    scan: Callable[[Array, Array, bool], Array],
    decay: Array,
    states: Array,
    grad: Array,
    reverse: bool,
) -> tuple[Array, Array]:
    """Return the gradients of decay and drive for the gradient `grad` of the states.

    g_t = grad_t + conj(lambda) g_{t+1} is the drive's, and sum_t g_t conj(h_{t-1}) the decay's.
    """
    grad_drive = scan(conjugate_planes(decay), grad, not reverse)
    before, after = (states[1:], grad_drive[:-1]) if reverse else (states[:-1], grad_drive[1:])
    return jnp.sum(multiply_planes(conjugate_planes(before), after), axis=(0, 1)), grad_drive


def sequential_adjoint(
    decay: Array, states: Array, grad: Array, reverse: bool
) -> tuple[Array, Array]:
    """Like `adjoint`, in one pass: the scan also sums the decay's gradient."""
    n = decay.shape[-1] // 2
    conjugate = conjugate_planes(decay)[None, :]
    zero = jnp.zeros_like(grad[0])

    def step(
        carry: tuple[Array, Array, Array], at_t: tuple[Array, Array]
    ) -> tuple[tuple[Array, Array, Array], Array]:
        g, straight, crossed = carry  # g belongs to the step that h_t led to
        grad_t, h = at_t
        straight += h * g
        crossed += jnp.concatenate([h[:, n:], h[:, :n]], axis=-1) * g
        g = multiply_planes(conjugate, g) + grad_t
        return (g, straight, crossed), g

    (_, straight, crossed), grad_drive = lax.scan(
        step, (zero, zero, zero), (grad, states), reverse=not reverse
    )
    re_re, im_im = jnp.split(jnp.sum(straight, axis=0), 2)
    im_re, re_im = jnp.split(jnp.sum(crossed, axis=0), 2)
    return jnp.concatenate([re_re + im_im, re_im - im_re]), grad_drive


def no_requirements() -> None:
    """Do nothing: for a back end that runs wherever JAX does."""


class ScanBackend(NamedTuple):
    """How a scan is computed.

    Attributes:
      forward: decay (2N,), drive (T, B, 2N), reverse -> states (T, B, 2N).
      backward: decay, states, gradient of the states, reverse -> gradients of decay and drive.
      require: raises the LruTuneError that says why, if this back end cannot run in this process.
    """

    forward: Callable[[Array, Array, bool], Array]
    backward: Callable[[Array, Array, Array, bool], tuple[Array, Array]]
    require: Callable[[], None] = no_requirements


SCAN_BACKENDS = {
    "sequential": ScanBackend(sequential_scan, sequential_adjoint),
    "associative": ScanBackend(associative_scan, partial(adjoint, associative_scan)),
    "chunked": ScanBackend(chunked_scan, partial(adjoint, chunked_scan)),
    "native": ScanBackend(native_scan, native_adjoint, require_native),
    "pallas": ScanBackend(pallas_scan, pallas_adjoint, require_pallas),
}

# These run everywhere without being built or measured first: see benchmarks/README.md.
AUTO_BACKEND = {"cpu": "sequential", "gpu": "chunked", "tpu": "chunked"}


def resolve_backend(name: str) -> str:
    """Return the back end that a name stands for here; `auto` is the usual one of the default device.

    Runs resolve `auto` beforehand, by the size of their scans: see
    `lru_tune.ops.autotune.scan_backend.resolve_scan`.

    Raises:
      ConfigError, ResourcesMissing: the back end of that name does not run here; no other takes its place.
    """
    if name == "auto":
        return AUTO_BACKEND[jax.default_backend()]
    SCAN_BACKENDS[name].require()
    return name


def linear_scan(
    decay: Array, drive: Array, *, backend: str = "auto", reverse: bool = False
) -> Array:
    """Solve h_t = lambda * h_{t-1} + b_t from a zero state (h_t = lambda * h_{t+1} + b_t if reverse).

    Args:
      decay: (2N,), planes of lambda; |lambda| <= 1 keeps long sequences finite.
      drive: (T, B, 2N), planes of b, same dtype.
      backend: a key of SCAN_BACKENDS, or `auto`, see `resolve_backend`.
      reverse: run from the last step to the first.

    Returns:
      (T, B, 2N), planes of h.
    """
    if drive.ndim != 3 or decay.shape != drive.shape[-1:] or drive.shape[-1] % 2:
        raise ValueError(
            f"decay must be (2N,) and drive (T, B, 2N), got {decay.shape} and {drive.shape}"
        )
    return _linear_scan(resolve_backend(backend), reverse, decay, drive)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _linear_scan(backend: str, reverse: bool, decay: Array, drive: Array) -> Array:
    return SCAN_BACKENDS[backend].forward(decay, drive, reverse)


def _linear_scan_forward(
    backend: str, reverse: bool, decay: Array, drive: Array
) -> tuple[Array, tuple[Array, Array]]:
    states = SCAN_BACKENDS[backend].forward(decay, drive, reverse)
    return states, (decay, states)


def _linear_scan_backward(
    backend: str, reverse: bool, residuals: tuple[Array, Array], grad: Array
) -> tuple[Array, Array]:
    return SCAN_BACKENDS[backend].backward(*residuals, grad, reverse)


_linear_scan.defvjp(_linear_scan_forward, _linear_scan_backward)
