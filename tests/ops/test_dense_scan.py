import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.ops.dense_scan import ACTIVATIONS, dense_scan, plain_dense_scan

FUNCTIONS = {"linear": lambda x: x, "tanh": np.tanh, "relu": lambda x: np.maximum(x, 0.0)}
SLOPES = {
    "linear": np.ones_like,
    "tanh": lambda x: 1 - np.tanh(x) ** 2,
    "relu": lambda x: (x > 0).astype(float),
}


def loop(matrix, drive, activation, reverse):
    """The oracle: states and pre-activations in float64, one step and one sequence after the other."""
    length, batch, n = drive.shape
    states, before = np.zeros_like(drive), np.zeros_like(drive)
    for b in range(batch):
        state = np.zeros(n)
        for t in reversed(range(length)) if reverse else range(length):
            before[t, b] = matrix @ state + drive[t, b]
            state = FUNCTIONS[activation](before[t, b])
            states[t, b] = state
    return states, before


def loop_gradients(matrix, drive, weight, activation, reverse):
    """Gradients of sum(weight h), back through the same steps."""
    states, before = loop(matrix, drive, activation, reverse)
    length, batch, n = drive.shape
    grad_matrix, grad_drive = np.zeros_like(matrix), np.zeros_like(drive)
    order = list(reversed(range(length)) if reverse else range(length))
    for b in range(batch):
        later = np.zeros(n)
        for k in reversed(range(length)):
            t = order[k]
            p = (weight[t, b] + later) * SLOPES[activation](before[t, b])
            previous = states[order[k - 1], b] if k > 0 else np.zeros(n)
            grad_matrix += np.outer(p, previous)
            grad_drive[t, b] = p
            later = matrix.T @ p
    return grad_matrix, grad_drive


def problem(length: int, batch: int = 3, n: int = 5):
    rng = np.random.default_rng(length)
    matrix = rng.normal(size=(n, n)) / np.sqrt(n)
    matrix /= max(1.0, np.abs(np.linalg.eigvals(matrix)).max())  # or ReLU and identity explode
    size = (length, batch, n)
    return matrix, rng.normal(size=size), rng.normal(size=size)


def close(ours, exact, tolerance):
    largest = np.max(np.abs(exact))
    np.testing.assert_allclose(np.asarray(ours), exact, rtol=0, atol=tolerance * largest)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [1, 2, 60])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_scan_equals_the_loop_in_value_and_gradient(activation, length, reverse, dtype):
    matrix, drive, weight = problem(length)
    # Rounding grows over the steps that the state remembers, some tens here.
    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    with jax.enable_x64(dtype == "float64"):

        def objective(matrix, drive):
            states = dense_scan(matrix, drive, activation=activation, reverse=reverse)
            return jnp.sum(states * jnp.asarray(weight, dtype)), states

        (_, states), (grad_matrix, grad_drive) = jax.jit(
            jax.value_and_grad(objective, (0, 1), has_aux=True)
        )(jnp.asarray(matrix, dtype), jnp.asarray(drive, dtype))
    assert states.dtype == grad_matrix.dtype == grad_drive.dtype == dtype
    exact_matrix, exact_drive = loop_gradients(matrix, drive, weight, activation, reverse)
    close(states, loop(matrix, drive, activation, reverse)[0], tolerance)
    close(grad_drive, exact_drive, tolerance)
    if length > 1:
        close(grad_matrix, exact_matrix, tolerance)
    else:
        assert not np.any(np.asarray(grad_matrix))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_are_those_of_autodiff(activation, reverse):
    with jax.enable_x64(True):
        matrix, drive, weight = (jnp.asarray(part) for part in problem(30))
        fast, plain = (
            jax.grad(lambda a, b, scan=scan: jnp.sum(scan(a, b) * weight), (0, 1))(matrix, drive)
            for scan in (
                lambda a, b: dense_scan(a, b, activation=activation, reverse=reverse),
                lambda a, b: plain_dense_scan(activation, reverse, a, b),
            )
        )
    for ours, theirs in zip(fast, plain, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)


def test_a_state_that_relu_silences_passes_no_gradient():
    """All pre-activations are at or below zero, where the derivative is zero by convention."""
    grads = jax.grad(lambda a, b: jnp.sum(dense_scan(a, b, activation="relu")), (0, 1))(
        jnp.eye(2), -jnp.ones((4, 1, 2)).at[0].set(0.0)
    )
    assert all(bool(jnp.all(grad == 0)) for grad in grads)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"matrix must be \(N, N\)"):
        dense_scan(jnp.zeros((4, 4)), jnp.zeros((2, 3, 6)))
