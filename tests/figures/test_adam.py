import jax.numpy as jnp
import numpy as np

from lru_tune.figures.adam import minimise


def adam_by_hand(start: float, rate: float, steps: int) -> list[float]:
    """Adam on 0.5 x^2 as its paper writes it (Kingma & Ba 2015, algorithm 1)."""
    x, m, v, seen = start, 0.0, 0.0, []
    for t in range(1, steps + 1):
        seen.append(x)
        m = 0.9 * m + 0.1 * x
        v = 0.999 * v + 0.001 * x * x
        x -= rate * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)) ** 0.5 + 1e-8)
    return seen


def test_the_steps_are_adams():
    losses, path = minimise(lambda x: 0.5 * x**2, jnp.float32(1.0), 0.1, 30, keep=lambda x: x)
    expected = np.asarray(adam_by_hand(1.0, 0.1, 30))
    np.testing.assert_allclose(path, expected, atol=1e-5)
    np.testing.assert_allclose(losses, 0.5 * expected**2, atol=1e-5)
