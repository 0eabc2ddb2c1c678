"""The linear scan h_t = lambda h_{t-1} + W u_t with the derivative rule of online learning.

Real-time recurrent learning (Zucchet et al. 2023, "Online learning of long-range dependencies") never goes
back in time. It carries the derivatives of the present state along with that state. With a diagonal
recurrence they are as small as the parameters:

    s_t = dh_t / dlambda = lambda s_{t-1} + h_{t-1}      one number a state
    e_t = dh_t / dW      = lambda e_{t-1} + u_t          one number a state and input

The error delta_t of the loss with respect to h_t comes from the layers above, through step t alone. The
gradients are sum_t conj(s_t) delta_t and sum_t conj(e_t) delta_t, and the layer below receives W^T delta_t:
the effect of the present input on later states is left out. This omission is the only difference from
backpropagation through time, so that the topmost recurrence of a network gets exactly the same gradient.

An online learner would compute forward pass, errors and traces together at each step. Here all errors come
first and the traces after them. Both orders give the same numbers, since neither the errors nor the traces of
a step depend on later steps.
"""

from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from lru_tune.ops.projection import project
from lru_tune.ops.scan.linear_scan import (
    SCAN_BACKENDS,
    ScanBackend,
    conjugate_planes,
    linear_scan,
    multiply_planes,
    resolve_backend,
)

OnlineSums = Literal["traces", "adjoint"]


def online_scan(
    decay: Array,
    weights: Array,
    inputs: Array,
    *,
    sums: OnlineSums = "traces",
    backend: str = "auto",
) -> Array:
    """Solve h_t = lambda h_{t-1} + W u_t from a zero state, with the gradients of online learning.

    Args:
      decay: (2N,), planes of lambda.
      weights: (2N, H), real rows of W over its imaginary rows.
      inputs: u, (T, B, H), same dtype.
      sums: how a gradient is summed over time, a key of SUMS; the numbers are the same up to rounding.
      backend: of the scans, a key of SCAN_BACKENDS or `auto`.

    Returns:
      (T, B, 2N), planes of h.
    """
    return _online_scan(sums, resolve_backend(backend), decay, weights, inputs)


class Traces(NamedTuple):
    """What online learning carries from step to step: traces, and the gradients so far.

    Attributes:
      s: (B, 2N), planes of dh / dlambda.
      e_re, e_im: (N, B, H), dh / dW.
      decay: (2N,), gradient of lambda.
      weights: (2, N, H), gradient of W.
    """

    s: Array
    e_re: Array
    e_im: Array
    decay: Array
    weights: Array


def trace_sums(
    _backend: ScanBackend, decay: Array, inputs: Array, states: Array, errors: Array
) -> tuple[Array, Array]:
    """Return the gradients of decay and weights, summed forward in time along their traces.

    Needs memory for one step beside the arguments, N x B x H complex numbers; the work is T times that.
    """
    (_, batch, width), n = inputs.shape, decay.shape[-1] // 2
    re, im = decay[:n, None, None], decay[n:, None, None]
    before = jnp.concatenate([jnp.zeros_like(states[:1]), states[:-1]])

    def step(traces: Traces, at_t: tuple[Array, Array, Array]) -> tuple[Traces, None]:
        state, u, error = at_t
        s = multiply_planes(decay[None, :], traces.s) + state
        e_re = re * traces.e_re - im * traces.e_im + u[None]
        e_im = re * traces.e_im + im * traces.e_re
        # Sums over the batch are matrix products, N of them: (2, B) planes of the error by (B, H).
        planes = error.reshape(batch, 2, n).transpose(2, 1, 0)
        by_re, by_im = planes @ e_re, planes @ e_im
        weights = jnp.stack([by_re[:, 0] + by_im[:, 1], by_re[:, 1] - by_im[:, 0]])
        decays = jnp.sum(multiply_planes(conjugate_planes(s), error), axis=0)
        return Traces(s, e_re, e_im, traces.decay + decays, traces.weights + weights), None

    blank = jnp.zeros((n, batch, width), inputs.dtype)
    start = Traces(
        s=jnp.zeros_like(states[0]),
        e_re=blank,
        e_im=blank,
        decay=jnp.zeros_like(decay),
        weights=jnp.zeros((2, n, width), inputs.dtype),
    )
    end, _ = lax.scan(step, start, (before, inputs, errors))
    return end.decay, end.weights.reshape(2 * n, width)


def adjoint_sums(
    backend: ScanBackend, decay: Array, inputs: Array, states: Array, errors: Array
) -> tuple[Array, Array]:
    """Return the same gradients by exchanging the two sums over time.

    sum_t conj(e_t) delta_t = sum_s g_s u_s with g_s = delta_s + conj(lambda) g_{s+1}: one scan from the end
    and one product, instead of a trace for each pair of state and input. Needs the whole sequence.
    """
    grad_decay, grad_drive = backend.backward(decay, states, errors, False)
    width, h = grad_drive.shape[-1], inputs.shape[-1]
    return grad_decay, grad_drive.reshape(-1, width).T @ inputs.reshape(-1, h)


SUMS = {"traces": trace_sums, "adjoint": adjoint_sums}


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _online_scan(sums: str, backend: str, decay: Array, weights: Array, inputs: Array) -> Array:
    return linear_scan(decay, project(inputs, weights.T), backend=backend)


def _forward(
    sums: str, backend: str, decay: Array, weights: Array, inputs: Array
) -> tuple[Array, tuple[Array, ...]]:
    states = _online_scan(sums, backend, decay, weights, inputs)
    return states, (decay, weights, inputs, states)


def _backward(
    sums: str, backend: str, residuals: tuple[Array, ...], errors: Array
) -> tuple[Array, Array, Array]:
    decay, weights, inputs, states = residuals
    gradients = SUMS[sums](SCAN_BACKENDS[backend], decay, inputs, states, errors)
    return (*gradients, project(errors, weights))


_online_scan.defvjp(_forward, _backward)
