"""Recurrent layers: the Linear Recurrent Unit and its dense ancestors."""

import math
from collections.abc import Callable
from functools import partial
from typing import Literal

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from lru_tune.models.eigenvalues import EIGENVALUES, Ring, input_gain_log, sample_ring
from lru_tune.ops.dense_scan import dense_scan
from lru_tune.ops.fused_layer import Weights
from lru_tune.ops.layers import LAYERS
from lru_tune.ops.online_scan import OnlineSums, online_scan
from lru_tune.ops.projection import project
from lru_tune.ops.scan.linear_scan import linear_scan

Layout = Literal["batch_major", "time_major"]
States = Literal["kept", "recomputed", "fused"]


def scaled_normal(scale: float) -> nn.initializers.Initializer:
    """Return an initializer drawing from a normal distribution of this standard deviation."""
    return nn.initializers.normal(stddev=scale)


def last_steps(x: Array, count: int | None) -> Array:
    """Return the last `count` steps of (T, B, F), or all of them."""
    return x if count is None else x[-count:]


class LRU(nn.Module):
    """The Linear Recurrent Unit (Orvieto et al. 2023, section 3.4 and appendix A).

    x_k = lambda * x_{k-1} + exp(gamma_log) * (B u_k),  y_k = Re[C x_k] + D * u_k,  x_0 = 0.

    Parameters, all float32: those of the eigenvalues (`nu_log`, `theta_log` for the LRU) and `gamma_log`
    (N,), `B_re`, `B_im` (N, H), `C_re`, `C_im` (H, N), `D` (H,). If bidirectional, a second scan with the
    same lambda and B runs backwards and C is (H, 2N), forward states first.

    Attributes:
      d_hidden: N, complex states.
      d_model: H, features in and out.
      r_min, r_max, max_phase: the ring eigenvalues start on; numbers or traced scalars.
      eigenvalues: a key of EIGENVALUES.
      input_normalization: `gamma` for the LRU, `none` for the steps of the ladder before it.
      scan: a key of SCAN_BACKENDS, or `auto`.
      online: None for the derivatives of the function; otherwise those of online learning, one-way layers
        only, and how their sums over time are taken: see `lru_tune.ops.online_scan`.
      states: `kept` in memory for the backward pass, or a key of LAYERS, which online learning does not need:
        see `lru_tune.ops.layers`.
      layout: `batch_major` for (B, T, H), `time_major` for (T, B, H), the faster one.
      last: how many of the last steps are returned, None for all; the others are not computed.
    """

    d_hidden: int
    d_model: int
    r_min: float | Array = 0.0
    r_max: float | Array = 1.0
    max_phase: float | Array = math.tau
    eigenvalues: str = "stable_exp_log_phase"
    input_normalization: Literal["gamma", "none"] = "gamma"
    bidirectional: bool = False
    scan: str = "auto"
    online: OnlineSums | None = None
    states: States = "kept"
    layout: Layout = "batch_major"
    last: int | None = None

    @property
    def slow_params(self) -> frozenset[str]:
        """Names that take the slow learning rate and no weight decay: lambda, gamma and B."""
        gain = ("gamma_log",) if self.input_normalization == "gamma" else ()
        return frozenset({*EIGENVALUES[self.eigenvalues].names, *gain, "B_re", "B_im"})

    def setup(self) -> None:
        """Declare the parameters."""
        n, h = self.d_hidden, self.d_model
        coordinates = EIGENVALUES[self.eigenvalues]
        ring = Ring(self.r_min, self.r_max, self.max_phase)
        # All parameters of an eigenvalue must describe the same point, so that it is drawn once; where the
        # layer is only applied, flax calls initialisers for their shapes and any key will do.
        drawn = sample_ring(self.make_rng("params"), n, ring) if self.is_initializing() else None

        def on_ring(function: Callable[[Array, Array], Array]) -> Callable[[Array], Array]:
            return lambda key: function(*(drawn or sample_ring(key, n, ring)))

        self._eigenvalue_params = [
            self.param(name, on_ring(lambda *point, i=i: coordinates.params(*point)[i]))
            for i, name in enumerate(coordinates.names)
        ]
        self._B_re = self.param("B_re", scaled_normal((2 * h) ** -0.5), (n, h))
        self._B_im = self.param("B_im", scaled_normal((2 * h) ** -0.5), (n, h))
        width = 2 * n if self.bidirectional else n
        self._C_re = self.param("C_re", scaled_normal(n**-0.5), (h, width))
        self._C_im = self.param("C_im", scaled_normal(n**-0.5), (h, width))
        self._D = self.param("D", scaled_normal(1.0), (h,))
        if self.input_normalization == "gamma":
            self._gamma_log = self.param("gamma_log", on_ring(lambda nu, _: input_gain_log(nu)))

    def weights(self, columns: slice = slice(None)) -> Weights:
        """Return the real matrices that the layer computes with; `columns` of C are read, a direction's."""
        decay = jnp.concatenate(EIGENVALUES[self.eigenvalues].value(*self._eigenvalue_params))
        B_re, B_im = self._B_re, self._B_im
        if self.input_normalization == "gamma":
            gain = jnp.exp(self._gamma_log)[:, None]
            B_re, B_im = gain * B_re, gain * B_im
        read = jnp.concatenate([self._C_re[:, columns], -self._C_im[:, columns]], axis=1).T
        return Weights(decay, jnp.concatenate([B_re, B_im]), read)

    @property
    def skip(self) -> Array:
        """D, (H,)."""
        return self._D

    def __call__(self, inputs: Array) -> Array:
        """Map (B, T, H) to (B, T, H), or (T, B, H) to (T, B, H) if time-major."""
        if self.online is not None and self.bidirectional:
            raise ValueError("a bidirectional layer cannot learn online")
        if self.layout == "batch_major":
            inputs = inputs.swapaxes(0, 1)
        n = self.d_hidden
        forward = self.weights(slice(n))

        def read(states: Array, weights: Weights) -> Array:
            return project(last_steps(states, self.last), weights.read)

        def fused(weights: Weights, reverse: bool) -> Array:
            outputs = LAYERS[self.states].apply(weights, inputs, self.scan, reverse)
            return last_steps(outputs, self.last)

        if self.states in LAYERS and self.online is None:
            outputs = fused(forward, reverse=False)
            if self.bidirectional:
                outputs += fused(self.weights(slice(n, None)), reverse=True)
        elif self.online is not None:
            states = online_scan(
                forward.decay, forward.enter, inputs, sums=self.online, backend=self.scan
            )
            outputs = read(states, forward)
        else:
            drive = project(inputs, forward.enter.T)  # (T, B, 2N)
            outputs = read(linear_scan(forward.decay, drive, backend=self.scan), forward)
            if self.bidirectional:
                states = linear_scan(forward.decay, drive, backend=self.scan, reverse=True)
                outputs += read(states, self.weights(slice(n, None)))
        outputs += self.skip[None, None, :] * last_steps(inputs, self.last)
        return outputs.swapaxes(0, 1) if self.layout == "batch_major" else outputs


class DenseRNN(nn.Module):
    """A classical recurrence, x_k = activation(A x_{k-1} + B u_k), y_k = C x_k + D * u_k.

    The first rows of the paper's ladder (section 3.1): real, dense, Glorot initialisation (`A` normal with
    variance 1/N). Parameters: `A` (N, N), `B` (N, H), `C` (H, N), `D` (H,), float32.

    Attributes:
      activation: a key of ACTIVATIONS.
      d_hidden, d_model, bidirectional, layout, last: as in `LRU`.
    """

    d_hidden: int
    d_model: int
    activation: str = "linear"
    bidirectional: bool = False
    layout: Layout = "batch_major"
    last: int | None = None

    @property
    def slow_params(self) -> frozenset[str]:
        """Names that take the slow learning rate and no weight decay."""
        return frozenset({"A", "B"})

    @nn.compact
    def __call__(self, inputs: Array) -> Array:
        """Map (B, T, H) to (B, T, H), or (T, B, H) to (T, B, H) if time-major."""
        n, h = self.d_hidden, self.d_model
        width = 2 * n if self.bidirectional else n
        A = self.param("A", scaled_normal(n**-0.5), (n, n))
        B = self.param("B", scaled_normal(h**-0.5), (n, h))
        C = self.param("C", scaled_normal(n**-0.5), (h, width))
        D = self.param("D", scaled_normal(1.0), (h,))
        scan = partial(dense_scan, A, activation=self.activation)

        if self.layout == "batch_major":
            inputs = inputs.swapaxes(0, 1)
        drive = project(inputs, B.T)
        outputs = project(last_steps(scan(drive), self.last), C[:, :n].T)
        if self.bidirectional:
            outputs += project(last_steps(scan(drive, reverse=True), self.last), C[:, n:].T)
        outputs += D[None, None, :] * last_steps(inputs, self.last)
        return outputs.swapaxes(0, 1) if self.layout == "batch_major" else outputs
