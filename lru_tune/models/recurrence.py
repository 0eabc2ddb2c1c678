"""Recurrent layers: the Linear Recurrent Unit and its dense ancestors.

A layer maps (B, T, H) to (B, T, H). Its `recur` does the work with time first, (T, B, H), the faster order.
"""

import math
from collections.abc import Callable
from typing import Literal

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from lru_tune.models.eigenvalues import EIGENVALUES, Ring, input_gain_log, sample_ring
from lru_tune.ops.dense_scan import dense_scan
from lru_tune.ops.layer_weights import LayerWeights
from lru_tune.ops.projection import project
from lru_tune.ops.states import DEFAULT_METHOD, STATES, ComputeMethod, last_steps

scaled_normal = nn.initializers.normal  # by standard deviation


class LRU(nn.Module):
    """The Linear Recurrent Unit (Orvieto et al. 2023, section 3.4 and appendix A).

    x_k = lambda * x_{k-1} + exp(gamma_log) * (B u_k),  y_k = Re[C x_k] + D * u_k,  x_0 = 0.

    Parameters, all float32: those of the eigenvalues (`nu_log`, `theta_log` for the LRU) and `gamma_log`
    (N,), `B_re`, `B_im` (N, H), `C_re`, `C_im` (H, N), `D` (H,). If bidirectional, a second scan with the
    same lambda and B runs backwards and C is (H, 2N), forward states first.

    Attributes:
      d_hidden: N, complex states.
      d_model: H, features in and out.
      r_min, r_max, max_phase: the ring on which eigenvalues start; numbers or traced scalars.
      eigenvalues: a key of EIGENVALUES.
      input_normalization: `gamma` for the LRU, `none` for the steps of the ladder before it.
      bidirectional: whether the sequence is also read from its end.
      method: how the states x_k are computed.
    """

    d_hidden: int
    d_model: int
    r_min: float | Array = 0.0
    r_max: float | Array = 1.0
    max_phase: float | Array = math.tau
    eigenvalues: str = "stable_exp_log_phase"
    input_normalization: Literal["gamma", "none"] = "gamma"
    bidirectional: bool = False
    method: ComputeMethod = DEFAULT_METHOD

    def __call__(self, inputs: Array) -> Array:
        """Map (B, T, H) to (B, T, H)."""
        return self.recur(inputs.swapaxes(0, 1)).swapaxes(0, 1)

    def recur(self, u: Array, last: int | None = None) -> Array:
        """Map u (T, B, H) to y (T, B, H), or to the last `last` steps of y alone.

        Raises:
          ValueError: the method is `online` and the layer bidirectional.
        """
        # Drive, states and readout; `lru_tune.ops.states.kept` is the plain way.
        read_states = STATES[self.method.states]
        y = read_states(self.directions(), u, self.method, last)  # Re[C x_k]
        return y + self.D[None, None, :] * last_steps(u, last)

    def directions(self) -> list[LayerWeights]:
        """Return lambda, exp(gamma_log) * B and C: of the forward direction, then of the backward one."""
        n = self.d_hidden
        columns = [slice(n), slice(n, None)] if self.bidirectional else [slice(n)]
        return [self._weights(columns_of_c) for columns_of_c in columns]

    def _weights(self, columns: slice) -> LayerWeights:
        decay = jnp.concatenate(EIGENVALUES[self.eigenvalues].value(*self.eigenvalue_params))
        B_re, B_im = self.B_re, self.B_im
        if self.input_normalization == "gamma":
            gain = jnp.exp(self.gamma_log)[:, None]
            B_re, B_im = gain * B_re, gain * B_im
        read = jnp.concatenate([self.C_re[:, columns], -self.C_im[:, columns]], axis=1).T
        return LayerWeights(decay, jnp.concatenate([B_re, B_im]), read)

    def setup(self) -> None:
        """Declare the parameters."""
        n, h = self.d_hidden, self.d_model
        coordinates = EIGENVALUES[self.eigenvalues]
        ring = Ring(self.r_min, self.r_max, self.max_phase)
        # All parameters of an eigenvalue describe the same point, so it is drawn once. When the layer is only
        # applied, flax calls initialisers for their shapes, and any key will do.
        drawn = sample_ring(self.make_rng("params"), n, ring) if self.is_initializing() else None

        def on_ring(function: Callable[[Array, Array], Array]) -> Callable[[Array], Array]:
            return lambda key: function(*(drawn or sample_ring(key, n, ring)))

        self.eigenvalue_params = [
            self.param(name, on_ring(lambda *point, i=i: coordinates.params(*point)[i]))
            for i, name in enumerate(coordinates.names)
        ]
        self.B_re = self.param("B_re", scaled_normal((2 * h) ** -0.5), (n, h))
        self.B_im = self.param("B_im", scaled_normal((2 * h) ** -0.5), (n, h))
        width = 2 * n if self.bidirectional else n
        self.C_re = self.param("C_re", scaled_normal(n**-0.5), (h, width))
        self.C_im = self.param("C_im", scaled_normal(n**-0.5), (h, width))
        self.D = self.param("D", scaled_normal(1.0), (h,))
        if self.input_normalization == "gamma":
            self.gamma_log = self.param("gamma_log", on_ring(lambda nu, _: input_gain_log(nu)))

    @property
    def slow_params(self) -> frozenset[str]:
        """Names that take the slow learning rate and no weight decay: lambda, gamma and B."""
        gain = ("gamma_log",) if self.input_normalization == "gamma" else ()
        return frozenset({*EIGENVALUES[self.eigenvalues].names, *gain, "B_re", "B_im"})


class DenseRNN(nn.Module):
    """A classical recurrence, x_k = activation(A x_{k-1} + B u_k), y_k = C x_k + D * u_k, x_0 = 0.

    The first rows of the paper's ladder (section 3.1): real, dense, Glorot initialisation (`A` normal with
    variance 1/N). Parameters: `A` (N, N), `B` (N, H), `C` (H, N), `D` (H,), float32.

    Attributes:
      activation: a key of ACTIVATIONS.
      d_hidden, d_model, bidirectional: as in `LRU`.
    """

    d_hidden: int
    d_model: int
    activation: str = "linear"
    bidirectional: bool = False

    def __call__(self, inputs: Array) -> Array:
        """Map (B, T, H) to (B, T, H)."""
        return self.recur(inputs.swapaxes(0, 1)).swapaxes(0, 1)

    @nn.compact
    def recur(self, u: Array, last: int | None = None) -> Array:
        """Map u (T, B, H) to y (T, B, H), or to the last `last` steps of y alone."""
        n, h = self.d_hidden, self.d_model
        width = 2 * n if self.bidirectional else n
        A = self.param("A", scaled_normal(n**-0.5), (n, n))
        B = self.param("B", scaled_normal(h**-0.5), (n, h))
        C = self.param("C", scaled_normal(n**-0.5), (h, width))
        D = self.param("D", scaled_normal(1.0), (h,))

        drive = project(u, B.T)
        states = dense_scan(A, drive, activation=self.activation)
        y = project(last_steps(states, last), C[:, :n].T)
        if self.bidirectional:
            states = dense_scan(A, drive, activation=self.activation, reverse=True)
            y += project(last_steps(states, last), C[:, n:].T)
        return y + D[None, None, :] * last_steps(u, last)

    @property
    def slow_params(self) -> frozenset[str]:
        """Names that take the slow learning rate and no weight decay."""
        return frozenset({"A", "B"})
