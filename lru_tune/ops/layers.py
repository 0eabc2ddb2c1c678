"""Recurrent layers that do not hold their states for the backward pass: B, the scan and C as one function.

`recomputed` goes chunk by chunk in JAX, on any device and with any scan, its factors rounded as the program
says. `fused` is a GPU kernel with a scan of its own and factors in bf16. Where both can run, on a GPU with
`runtime.matmul: bf16`, measuring decides.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from lru_tune.files.paths import compilation_cache
from lru_tune.ops.autotune.fastest import Call, Clock, Contender, Numbers, fastest_of, seconds
from lru_tune.ops.autotune.scan_backend import Size
from lru_tune.ops.fused_layer import Weights, fused_layer
from lru_tune.ops.pallas_layer import demand_pallas_layer, pallas_layer
from lru_tune.ops.precision import multiplying
from lru_tune.ops.scan.linear_scan import nothing

# Of outputs and gradients whose factors were rounded to bf16, relative to the largest number.
TOLERANCE = 3e-2


class Layer(NamedTuple):
    """How a layer is computed.

    Attributes:
      apply: weights, inputs (T, B, H), key of SCAN_BACKENDS or `auto`, reverse -> (T, B, G).
      demand: features -> nothing; raises the LruTuneError that says why it cannot run in this process.
    """

    apply: Callable[[Weights, Array, str, bool], Array]
    demand: Callable[[int], None]


def _recomputed(weights: Weights, inputs: Array, scan: str, reverse: bool) -> Array:
    return fused_layer(weights, inputs, backend=scan, reverse=reverse)


def _fused(weights: Weights, inputs: Array, _: str, reverse: bool) -> Array:
    return pallas_layer(weights, inputs, reverse=reverse)


LAYERS = {
    "recomputed": Layer(_recomputed, lambda features: nothing()),
    "fused": Layer(_fused, demand_pallas_layer),
}


def choose_layer(size: Size, features: int, scan: str) -> str:
    """Return the faster of LAYERS on this process's default device, for factors in bf16.

    Args:
      size: of the sequences, and of the layer's states.
      features: H, of inputs and outputs.
      scan: that `recomputed` takes, a key of SCAN_BACKENDS.

    Raises:
      ResourcesMissing: none of them runs.
    """
    return fastest_layer(LAYERS, size, features, scan, compilation_cache() / "layer")


def fastest_layer(
    layers: Mapping[str, Layer],
    size: Size,
    features: int,
    scan: str,
    folder: Path,
    *,
    matmul: str = "bf16",
    clock: Clock = seconds,
) -> str:
    """Return the fastest of some layers; those that fail or deviate are left out with a warning.

    Args:
      layers: by name.
      size: of the sequences, and of the layer's states.
      features: H, of inputs and outputs.
      scan: that `recomputed` takes, a key of SCAN_BACKENDS.
      folder: of earlier measurements.
      matmul: rounding of factors, a key of MATMUL.
      clock: returns the seconds of a call.

    Raises:
      ResourcesMissing: none of them runs.
    """
    arguments = _problem(size, features)
    contenders = {
        name: Contender(
            partial(layer.demand, features), partial(_compiled, layer, scan, matmul, arguments)
        )
        for name, layer in layers.items()
    }
    problem = {"size": list(size.bucket()), "features": features, "scan": scan}
    at = f"{size}, H {features}"
    return fastest_of("states", contenders, problem, at, folder, TOLERANCE, clock=clock)


def _problem(size: Size, features: int) -> tuple[Weights, Array, Array]:
    """Return weights, inputs and a gradient of a layer whose memory is about a hundred steps."""
    angle = jnp.linspace(0.0, 3.0, size.n)
    keys = jax.random.split(jax.random.key(0), 4)
    enter, read = (jax.random.normal(key, (2 * size.n, features)) for key in keys[:2])
    shape = (size.length, size.batch, features)
    decay = 0.99 * jnp.concatenate([jnp.cos(angle), jnp.sin(angle)])
    inputs, grad = (jax.random.normal(key, shape) for key in keys[2:])
    return Weights(decay, enter, read), inputs, grad


def _compiled(
    layer: Layer, scan: str, matmul: str, arguments: tuple[Weights, Array, Array]
) -> Call:
    def both(weights: Weights, inputs: Array, grad: Array) -> Numbers:
        outputs, pull = jax.vjp(lambda w, u: layer.apply(w, u, scan, False), weights, inputs)
        return outputs, *jax.tree.leaves(pull(grad))

    compiled = jax.jit(multiplying(matmul, both))
    return lambda: compiled(*arguments)
