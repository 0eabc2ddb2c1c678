"""Whole recurrent layers on a GPU, alone: states kept, recomputed chunk by chunk, and inside a kernel.

Part of `python -m benchmarks.gpu`, which says how it is run. Factors of products are rounded to bf16.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

Row = dict[str, Any]
Layer = Callable[..., Any]  # weights, inputs -> outputs
SCANS = {"kept": ("chunked", "pallas"), "recomputed": ("chunked", "pallas")}


def interpreted() -> dict[str, Any]:
    """Return the options with which the kernel runs on any device, exactly and very slowly."""
    from jax._src.pallas.mosaic_gpu.interpret.params import InterpretGPUParams

    return {"operands": "float32", "interpret": InterpretGPUParams()}


def layers(device: str, kernel: Mapping[str, Any]) -> dict[tuple[str, str], Layer]:
    """Return the layers that can be compared, by what becomes of states and by the scan.

    Args:
      device: `gpu`, or another one, on which no scan of Pallas can be called by name.
      kernel: options of the kernel.
    """
    from lru_tune.ops.fused_layer import fused_layer, plain_layer
    from lru_tune.ops.pallas_layer import pallas_layer

    in_jax = {"kept": partial(plain_layer, reverse=False), "recomputed": fused_layer}
    found: dict[tuple[str, str], Layer] = {
        (states, scan): partial(in_jax[states], backend=scan)
        for states, scans in SCANS.items()
        for scan in scans
        if device == "gpu" or scan != "pallas"
    }
    return {**found, ("fused", "pallas"): partial(pallas_layer, **kernel)}


def timed(layer: Layer, size: Any, features: int, matmul: str) -> Row:
    """Return milliseconds and memory of a layer; or why there are none.

    Args:
      layer: weights, inputs -> outputs.
      size: T, B and N.
      features: H.
      matmul: rounding of factors, a key of MATMUL.
    """
    import jax
    import jax.numpy as jnp

    from lru_tune.ops.autotune.fastest import FAILURES, seconds
    from lru_tune.ops.fused_layer import Weights
    from lru_tune.ops.precision import multiplying

    matrix = jnp.full((2 * size.n, features), 0.1)
    weights = Weights(jnp.full(2 * size.n, 0.5), matrix, matrix)
    inputs = jnp.ones((size.length, size.batch, features), jnp.float32)

    def both(weights: Weights, inputs: Any) -> Any:
        outputs, pull = jax.vjp(layer, weights, inputs)
        return outputs, pull(outputs)

    row: Row = {}
    for name, function in (("forward", layer), ("both", both)):
        try:
            call = jax.jit(multiplying(matmul, function)).lower(weights, inputs).compile()
            jax.block_until_ready(call(weights, inputs))
            took = seconds(partial(call, weights, inputs))
        except FAILURES as error:
            return row | {"problem": (str(error).splitlines() or [type(error).__name__])[0]}
        row[f"{name}_ms"] = 1e3 * took
        row[f"{name}_bytes"] = call.memory_analysis().temp_size_in_bytes
    return row


def layer_rows(
    sizes: Iterable[tuple[Any, int]], device: str, kernel: Mapping[str, Any], matmul: str
) -> Iterator[Row]:
    """Measure every layer at sizes of scans and numbers of features."""
    for size, features in sizes:
        for (states, scan), layer in layers(device, kernel).items():
            named = {"states": states, "scan": scan, **size._asdict(), "features": features}
            yield named | timed(layer, size, features, matmul)


def sweep_rows(
    sizes: Iterable[tuple[Any, int]],
    kernel: Mapping[str, Any],
    matmul: str,
    chunks: Iterable[int],
    spans: Iterable[int],
) -> Iterator[Row]:
    """Measure the kernel for every chunk, in tiles, and every span, in chunks."""
    from lru_tune.ops.pallas_layer import Tiling, pallas_layer, tiling

    cuts = [Tiling(chunk, span) for chunk in chunks for span in spans]
    for size, features in sizes:
        for cut in cuts:
            layer = partial(pallas_layer, cut=cut, **kernel)
            named = {**cut._asdict(), "default": tiling(*size) == cut, **size._asdict()}
            yield named | {"features": features} | timed(layer, size, features, matmul)
