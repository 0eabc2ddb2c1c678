"""Gradients of whole networks that learn online, against the definition and against BPTT."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lru_tune.config.schema import ModelConfig
from lru_tune.models.build import build_model
from lru_tune.models.recurrence import LRU
from lru_tune.models.traced_hyperparameters import TracedHyperparameters
from lru_tune.ops.online_scan import SUMS
from lru_tune.ops.states import ComputeMethod
from lru_tune.tasks import TASKS

TASK = replace(TASKS["copy"], max_length=7, scored_steps=5)
N, H, BATCH = 3, 4, 2
TRACED = TracedHyperparameters(r_min=0.7, r_max=0.99, max_phase=6.28, dropout=0.0)
RECURRENT = ("nu_log", "theta_log", "gamma_log", "B_re", "B_im")
TOLERANCE = 1e-10  # float64, relative to a leaf's largest gradient


BPTT = ComputeMethod()


def online(sums: str) -> ComputeMethod:
    return ComputeMethod(states="online", online_sums=sums)


def lru_step(p, state, u):
    """One step of one sequence; states as 2N real numbers."""
    decay = jnp.exp(-jnp.exp(p["nu_log"]) + 1j * jnp.exp(p["theta_log"]))
    B = jnp.exp(p["gamma_log"])[:, None] * (p["B_re"] + 1j * p["B_im"])
    state = decay * (state[:N] + 1j * state[N:]) + B @ u
    return jnp.concatenate([state.real, state.imag])


def dense(p, x):
    return x @ p["kernel"] + p["bias"]


def network_step(params, nudges, states, features, targets):
    """The network at one time step of one sequence, given the states before it.

    `nudges` are added to the new states: the loss's derivative with respect to them is the error.
    """
    x, after, fed = dense(params["encoder"], features), [], []
    for layer, state in enumerate(states):
        p = params[f"block_{layer}"]
        u = (x - x.mean()) / jnp.sqrt(x.var() + 1e-6) * p["norm"]["scale"] + p["norm"]["bias"]
        state = lru_step(p["recurrence"], state, u) + nudges[layer]
        r = p["recurrence"]
        y = ((r["C_re"] + 1j * r["C_im"]) @ (state[:N] + 1j * state[N:])).real + r["D"] * u
        value, gate = jnp.split(dense(p["glu"], jax.nn.gelu(y)), 2)
        x = x + value * jax.nn.sigmoid(gate)
        after.append(state)
        fed.append(u)
    logits = dense(params["head"], x).reshape(TASK.num_outputs, TASK.num_classes)
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, targets)
    return jnp.sum(losses), (after, fed)


def gradients_by_definition(params, inputs, targets):
    """Real-time recurrent learning with explicit Jacobians, sequence by sequence and step by step.

    Every layer carries the derivative of its state with respect to each of its own parameters. The
    errors come from the present step alone; all other parameters take that step's derivative.
    """
    layers = [f"block_{i}" for i in range(sum(name.startswith("block_") for name in params))]
    spatial = jax.jit(jax.grad(network_step, (0, 1), has_aux=True))
    jacobians = jax.jit(jax.jacfwd(lru_step, (0, 1)))
    total = jax.tree.map(np.zeros_like, params)
    for features, wanted in zip(inputs, targets, strict=True):
        states = [np.zeros(2 * N) for _ in layers]
        traces = [
            {
                name: np.zeros((2 * N, *params[layer]["recurrence"][name].shape))
                for name in RECURRENT
            }
            for layer in layers
        ]
        first_scored = TASK.max_length - TASK.scored_steps
        for t in range(TASK.max_length):
            nudges = [np.zeros(2 * N) for _ in layers]
            target = wanted[max(0, t - first_scored)]
            (grads, errors), (after, fed) = spatial(params, nudges, states, features[t], target)
            weight = (t >= first_scored) / (BATCH * TASK.scored_steps * TASK.num_outputs)
            for i, layer in enumerate(layers):
                p = {name: params[layer]["recurrence"][name] for name in RECURRENT}
                by_params, by_state = jacobians(p, states[i], fed[i])
                for name in RECURRENT:
                    traces[i][name] = by_state @ traces[i][name].reshape(2 * N, -1)
                    traces[i][name] = traces[i][name].reshape(by_params[name].shape)
                    traces[i][name] += by_params[name]
                    grads[layer]["recurrence"][name] = np.tensordot(errors[i], traces[i][name], 1)
            total = jax.tree.map(lambda a, g, w=weight: a + w * np.asarray(g), total, grads)
            states = after
    return total


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def problem():
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 2, (BATCH, TASK.max_length, 8)).astype(np.uint8)
    targets = rng.integers(0, 2, (BATCH, TASK.scored_steps, TASK.num_outputs))
    return inputs, targets


def network(n_layers: int, method: ComputeMethod, norm_position: str = "pre"):
    return build_model(
        ModelConfig(
            n_layers=n_layers,
            d_model=H,
            d_hidden=N,
            pooling="none",
            norm="layer",
            norm_position=norm_position,
        ),
        TASK,
        method,
    )


def gradients(n_layers: int, method: ComputeMethod, **choices):
    """Return parameters in float64 and the gradient of the mean loss, by autodiff of the model."""
    model = network(n_layers, method, **choices)
    drawn = jax.jit(model.init)(jax.random.key(1), TRACED)["params"]
    params = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), drawn)
    inputs, targets = problem()

    def loss(params):
        lengths = jnp.full(BATCH, TASK.max_length)
        logits, _ = model.train({"params": params}, inputs, lengths, TRACED, jax.random.key(0))
        labels = jnp.asarray(targets.swapaxes(0, 1))
        return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, labels))

    return params, jax.jit(jax.grad(loss))(params)


def errors(ours, exact) -> dict[str, float]:
    """Return dotted leaf -> largest difference over the largest entry."""
    leaves = zip(jax.tree_util.tree_leaves_with_path(ours), jax.tree.leaves(exact), strict=True)
    return {
        ".".join(key.key for key in path): float(np.max(np.abs(a - b)) / np.max(np.abs(b)))
        for (path, a), b in leaves
    }


@pytest.mark.slow
@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("sums", SUMS)
@pytest.mark.parametrize("n_layers", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_every_gradient_is_the_definitions(n_layers, sums):
    params, ours = gradients(n_layers, online(sums))
    inputs, targets = problem()
    found = errors(ours, gradients_by_definition(params, inputs.astype(np.float64), targets))
    assert len(found) == 4 + 12 * n_layers
    assert max(found.values()) < TOLERANCE, found


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("norm_position", ["pre", pytest.param("post", marks=pytest.mark.slow)])
@pytest.mark.parametrize("sums", SUMS)
def test_one_layer_gets_the_gradient_of_backpropagation_through_time(sums, norm_position):
    _, ours = gradients(1, online(sums), norm_position=norm_position)
    _, through_time = gradients(1, BPTT, norm_position=norm_position)
    found = errors(ours, through_time)
    # What lies below the recurrence hears of the present step only.
    below = {"encoder.kernel", "encoder.bias"}
    if norm_position == "pre":
        below |= {"block_0.norm.scale", "block_0.norm.bias"}
    assert below < set(found)
    assert max(error for name, error in found.items() if name not in below) < TOLERANCE, found
    assert min(found[name] for name in below) > 1e-3, found


@pytest.mark.usefixtures("double")
@pytest.mark.slow
def test_of_two_layers_only_the_upper_gets_the_gradient_of_backpropagation_through_time():
    found = errors(gradients(2, online("traces"))[1], gradients(2, BPTT)[1])
    for name in (*RECURRENT, "C_re", "C_im", "D"):
        assert found[f"block_1.recurrence.{name}"] < TOLERANCE
        assert found[f"block_0.recurrence.{name}"] > 1e-3


def test_the_predictions_are_the_same():
    inputs, _ = problem()
    lengths = jnp.full(BATCH, TASK.max_length)
    plain = network(2, BPTT)
    variables = jax.jit(plain.init)(jax.random.key(0), TRACED)
    expected = jax.jit(plain.predict)(variables, inputs, lengths)
    for sums in SUMS:
        ours = jax.jit(network(2, online(sums)).predict)(variables, inputs, lengths)
        np.testing.assert_array_equal(ours, expected)


def test_a_bidirectional_layer_cannot_learn_online():
    layer = LRU(d_hidden=3, d_model=2, bidirectional=True, method=online("traces"))
    with pytest.raises(ValueError, match="cannot learn online"):
        layer.init(jax.random.key(0), jnp.zeros((1, 4, 2)))
