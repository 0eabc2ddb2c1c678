from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from lru_tune.tasks import TASKS, Tokens


@pytest.fixture
def batch() -> Callable[..., tuple[Array, Array]]:
    """A function from a task's name to random inputs of its shape and their full lengths."""

    def random_batch(task: str, size: int = 3, seed: int = 0) -> tuple[Array, Array]:
        entry, rng = TASKS[task], np.random.default_rng(seed)
        if isinstance(entry.inputs, Tokens):
            shape: tuple[int, ...] = (size, *entry.documents, entry.max_length)
            inputs = rng.integers(0, entry.inputs.width, shape)
        else:
            shape = (size, entry.max_length, entry.inputs.width)
            inputs = rng.integers(0, int(entry.inputs.scale) + 1, shape)
        lengths = jnp.full((size, *entry.documents), entry.max_length)
        return jnp.asarray(inputs, jnp.uint8), lengths

    return random_batch
