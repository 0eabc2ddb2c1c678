"""The precision of a program's matrix products; recurrences and sums stay in float32."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import jax

from lru_tune.errors import ConfigError

P = ParamSpec("P")
R = TypeVar("R")

# Values of jax.default_matmul_precision. Each rounds the factors and sums in float32.
MATMUL = {
    "device": None,  # JAX's choice: float32 on a CPU, TF32 on a GPU that has it
    "f32": "float32",
    "tf32": "TF32_TF32_F32",
    "bf16": "BF16_BF16_F32",
}
ON_A_GPU = ("tf32", "bf16")


def require_matmul(name: str) -> None:
    """Check that this process's default device can multiply as named, a key of MATMUL.

    Raises:
      ConfigError: it cannot; XLA would multiply in float32 on a CPU without a warning.
    """
    if name in ON_A_GPU and (device := jax.default_backend()) != "gpu":
        raise ConfigError("ops.matmul-needs-gpu", name=name, device=device)


def multiplying(name: str, function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that multiplies matrices with this precision, in its derivatives, too.

    Args:
      name: a key of MATMUL.
      function: a function that JAX traces.
    """

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.default_matmul_precision(MATMUL[name]):
            return function(*args, **kwargs)

    return called
