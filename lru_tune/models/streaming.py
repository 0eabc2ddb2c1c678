"""A trained network one time step at a time: the same function as the parallel pass, to rounding.

A recurrence needs nothing of the past but its state, so that each new step costs the same, however long the
sequence is. Norms use running averages and nothing is dropped, as in prediction.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from lru_tune.config.schema import DiagonalRecurrence, ModelConfig
from lru_tune.errors import ConfigError
from lru_tune.models import batch_norm
from lru_tune.models.eigenvalues import EIGENVALUES
from lru_tune.ops.dense_scan import ACTIVATIONS
from lru_tune.tasks import Task, Tokens

LAYER_NORM_EPSILON = 1e-6  # flax's

Params = Mapping[str, Any]


class StreamState(NamedTuple):
    """What a stream remembers.

    Attributes:
      hidden: of each layer, (B, N), complex for a diagonal recurrence.
      total: sum over time of the last layer's outputs, (B, H), for mean pooling.
      steps: time steps so far.
    """

    hidden: tuple[Array, ...]
    total: Array
    steps: Array


class Streaming(NamedTuple):
    """A network as a recurrence.

    Attributes:
      begin: batch size -> the state before the first step.
      step: variables (`params`, `batch_stats`), state, inputs of one time step ((B,) tokens or (B, F)
        channels, as stored) -> new state, and logits: (B, C) predicted from all steps so far, or
        (B, O, C) of this step for tasks that predict at every step.
    """

    begin: Callable[[int], StreamState]
    step: Callable[[Params, StreamState, Array], tuple[StreamState, Array]]


def build_streaming(config: ModelConfig, task: Task) -> Streaming:
    """Return a network's function of one time step.

    Raises:
      ConfigError: the network reads backwards, or two documents.
    """
    if config.bidirectional:
        raise ConfigError("api.stream-bidirectional")
    if task.head == "match":
        raise ConfigError("api.stream-match")
    is_diagonal = isinstance(config.recurrence, DiagonalRecurrence)

    def begin(batch: int) -> StreamState:
        dtype = jnp.complex64 if is_diagonal else jnp.float32
        hidden = tuple(jnp.zeros((batch, config.d_hidden), dtype) for _ in range(config.n_layers))
        return StreamState(hidden, jnp.zeros((batch, config.d_model)), jnp.zeros((), jnp.int32))

    def step(variables: Params, state: StreamState, inputs: Array) -> tuple[StreamState, Array]:
        params, averages = variables["params"], variables["batch_stats"]
        x = _encode(params["encoder"], inputs, task)
        hidden = []
        for i, before in enumerate(state.hidden):
            name = f"block_{i}"
            after, x = _block(config, params[name], averages.get(name), before, x)
            hidden.append(after)
        steps, total = state.steps + 1, state.total + x
        logits = _dense(params["head"], total / steps if config.pooling == "mean" else x)
        if task.head == "per_step":
            logits = logits.reshape(-1, task.num_outputs, task.num_classes)
        return StreamState(tuple(hidden), total, steps), logits

    return Streaming(begin, step)


def _block(
    config: ModelConfig, params: Params, averages: Params | None, hidden: Array, x: Array
) -> tuple[Array, Array]:
    """Return a layer's new state (B, N) and output (B, H)."""

    def norm(x: Array) -> Array:
        weights = params["norm"]
        if averages is not None:
            centre = averages["norm"]["mean"][None, :]
            variance = averages["norm"]["var"][None, :] + batch_norm.EPSILON
        else:
            centre = x.mean(axis=-1, keepdims=True)
            variance = x.var(axis=-1, keepdims=True) + LAYER_NORM_EPSILON
        scale, bias = weights["scale"][None, :], weights["bias"][None, :]
        return (x - centre) * jax.lax.rsqrt(variance) * scale + bias

    first = config.norm_position == "pre"
    hidden, y = _recur(config, params["recurrence"], hidden, norm(x) if first else x)
    y = jax.nn.gelu(y)
    mixed = _dense(params["glu"], y)
    value, gate = jnp.split(mixed, 2, axis=-1) if config.glu == "full" else (y, mixed)
    x = x + value * jax.nn.sigmoid(gate)
    return hidden, x if first else norm(x)


def _recur(config: ModelConfig, params: Params, hidden: Array, u: Array) -> tuple[Array, Array]:
    """Return x_k = lambda x_{k-1} + gamma B u_k and y_k = Re[C x_k] + D u_k, or the dense equivalent."""
    recurrence = config.recurrence
    if isinstance(recurrence, DiagonalRecurrence):
        coordinates = EIGENVALUES[recurrence.eigenvalues]
        real, imaginary = coordinates.value(*(params[name] for name in coordinates.names))
        drive = jax.lax.complex(u @ params["B_re"].T, u @ params["B_im"].T)
        if recurrence.input_normalization == "gamma":
            drive = jnp.exp(params["gamma_log"])[None, :] * drive
        hidden = jax.lax.complex(real, imaginary)[None, :] * hidden + drive
        y = hidden.real @ params["C_re"].T - hidden.imag @ params["C_im"].T
    else:
        activate = ACTIVATIONS[recurrence.activation].value
        hidden = activate(hidden @ params["A"].T + u @ params["B"].T)
        y = hidden @ params["C"].T
    return hidden, y + params["D"][None, :] * u


def _encode(params: Params, inputs: Array, task: Task) -> Array:
    """Return features (B, H) of one time step."""
    match task.inputs:
        case Tokens() if "embedding" in params:
            return params["embedding"][inputs]
        case Tokens():
            return params["kernel"][inputs] + params["bias"][None, :]
        case channels:
            mean, std = jnp.asarray(channels.mean), jnp.asarray(channels.std)
            scaled = inputs.astype(jnp.float32) / channels.scale
            return _dense(params, (scaled - mean[None, :]) / std[None, :])


def _dense(params: Params, x: Array) -> Array:
    return x @ params["kernel"] + params["bias"][None, :]
