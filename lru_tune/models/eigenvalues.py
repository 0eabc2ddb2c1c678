"""Coordinate systems for the diagonal of the recurrence, and the ring on which it starts.

Source: Orvieto et al. 2023, section 3.2 (parametrisations), Lemma 3.2 (ring), section 3.4 (gamma).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

# Bounds on the sampled decay rate nu = -log|lambda|: at a modulus of exactly 1 gamma is log(0), and at
# exactly 0 the logarithm of nu overflows. Both are drawn with probability of order 1e-7.
NU_BOUNDS = (1e-8, 20.0)


class Eigenvalues(NamedTuple):
    """A coordinate system: parameters from (nu, theta), and the eigenvalue back from them.

    Attributes:
      names: of the parameters, each (N,) float32.
      params: nu (N,), theta (N,) -> parameters in the order of `names`.
      value: parameters -> real part (N,), imaginary part (N,) of lambda.
    """

    names: tuple[str, ...]
    params: Callable[[Array, Array], tuple[Array, ...]]
    value: Callable[..., tuple[Array, Array]]


def polar(nu: Array, theta: Array) -> tuple[Array, Array]:
    """Return the planes of exp(-nu + i theta)."""
    modulus = jnp.exp(-nu)
    return modulus * jnp.cos(theta), modulus * jnp.sin(theta)


EIGENVALUES = {
    "cartesian": Eigenvalues(
        names=("lambda_re", "lambda_im"),
        params=polar,
        value=lambda re, im: (re, im),
    ),
    "exp": Eigenvalues(
        names=("nu", "theta"),
        params=lambda nu, theta: (nu, theta),
        value=polar,
    ),
    "stable_exp": Eigenvalues(
        names=("nu_log", "theta"),
        params=lambda nu, theta: (jnp.log(nu), theta),
        value=lambda nu_log, theta: polar(jnp.exp(nu_log), theta),
    ),
    "stable_exp_log_phase": Eigenvalues(
        names=("nu_log", "theta_log"),
        params=lambda nu, theta: (jnp.log(nu), jnp.log(theta)),
        value=lambda nu_log, theta_log: polar(jnp.exp(nu_log), jnp.exp(theta_log)),
    ),
}


class Ring(NamedTuple):
    """Where eigenvalues start: r_min <= |lambda| <= r_max, 0 <= phase <= max_phase radians."""

    r_min: Array | float
    r_max: Array | float
    max_phase: Array | float


def sample_ring(key: Array, n: int, ring: Ring) -> tuple[Array, Array]:
    """Draw lambda uniformly by area on a ring (Lemma 3.2); a ring of no width gives |lambda| = r_min.

    Returns:
      nu (n,) and theta (n,), with lambda = exp(-nu + i theta), both above zero.
    """
    key_modulus, key_phase = jax.random.split(key)
    smallest = jnp.finfo(jnp.float32).tiny
    u = jax.random.uniform(key_modulus, (n,), minval=smallest)
    squared = u * (ring.r_max**2 - ring.r_min**2) + ring.r_min**2
    nu = jnp.clip(-0.5 * jnp.log(squared), *NU_BOUNDS)
    theta = ring.max_phase * jax.random.uniform(key_phase, (n,), minval=smallest)
    return nu, theta


def input_gain_log(nu: Array) -> Array:
    """Return log sqrt(1 - |lambda|^2): keeps the states of white-noise input at its variance."""
    return 0.5 * jnp.log(-jnp.expm1(-2.0 * nu))
