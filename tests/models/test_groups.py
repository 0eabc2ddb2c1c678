"""A batch in groups, and blocks of C++, give the loss and gradients of the whole batch and of JAX."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.config.schema import DenseRecurrence, ModelConfig
from lru_tune.models.build import build_model
from lru_tune.models.traced_hyperparameters import TracedHyperparameters
from lru_tune.ops.states import ComputeMethod
from lru_tune.tasks import TASKS
from lru_tune.training.programs.memory import (
    SHARE,
    activation_bytes,
    group_count,
    memory_of_cores,
    resolve_memory,
)

TRACED = TracedHyperparameters(r_min=0.5, r_max=0.99, max_phase=6.28, dropout=0.2)
CONFIGS = {
    "lru": {},
    "post": {"norm_position": "post"},
    "layer": {"norm": "layer"},
    "layer-post": {"norm": "layer", "norm_position": "post"},
    "bidirectional": {"bidirectional": True, "glu": "half"},
    "dense": {"recurrence": DenseRecurrence(activation="tanh")},
    "half": {"glu": "half"},
    "no-dropout": {"dropout": 0.0},
}


def rare(names: list[str]) -> list:
    """Return the parameters of tests that CI runs in its second call."""
    return [pytest.param(name, marks=pytest.mark.slow) for name in names]


def batch_of(task_name: str, batch: int):
    task = TASKS[task_name]
    shape = (batch, *task.documents, 40 if task.head != "per_step" else task.max_length)
    inputs = jax.random.randint(jax.random.key(1), shape, 0, 5).astype(jnp.uint8)
    if task_name == "copy":
        inputs = jax.random.randint(jax.random.key(1), (*shape, 8), 0, 2).astype(jnp.uint8)
    lengths = jnp.full((batch, *task.documents), shape[-1]).at[0].set(shape[-1] // 2)
    return inputs, lengths


def loss_and_gradients(changes, task_name, batch, dtype=jnp.float64, **method):
    pooling = "none" if task_name == "copy" else "mean"
    config = ModelConfig(
        n_layers=2, d_model=8, d_hidden=6, **{"dropout": 0.2, "pooling": pooling, **changes}
    )
    model = build_model(config, TASKS[task_name], ComputeMethod(scan="sequential", **method))
    variables = jax.jit(model.init)(jax.random.key(0), TRACED)
    variables = jax.tree.map(lambda leaf: leaf.astype(dtype), variables)
    inputs, lengths = batch_of(task_name, batch)

    def loss(params):
        logits, stats = model.train(
            variables | {"params": params}, inputs, lengths, TRACED, jax.random.key(3)
        )
        return jnp.sum(jnp.sin(logits)), stats

    return jax.jit(jax.value_and_grad(loss, has_aux=True))(variables["params"])


def assert_close(got, expected, rtol=1e-9):
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-11)


@pytest.mark.parametrize("name", [next(iter(CONFIGS)), *rare(list(CONFIGS)[1:])])
def test_groups_equal_the_whole_batch(name):
    changes = CONFIGS[name]
    with jax.enable_x64(True):
        whole = loss_and_gradients(changes, "listops", 6)
        assert_close(loss_and_gradients(changes, "listops", 6, groups=3), whole)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "groups"), [("copy", 4), ("aan", 8)])
def test_groups_equal_the_whole_batch_in_tasks_of_another_form(task, groups):
    with jax.enable_x64(True):
        whole = loss_and_gradients({}, task, 4)
        assert_close(loss_and_gradients({}, task, 4, groups=groups), whole)


@pytest.mark.slow
def test_groups_can_learn_online():
    with jax.enable_x64(True):
        learn = partial(loss_and_gradients, {"norm": "layer"}, "listops", 4, states="online")
        assert_close(learn(groups=2), learn())


@pytest.mark.parametrize(
    ("sequences", "groups"), [(8, 4), (50, 5), (64, 4), (4, 4), (6, 6), (7, 7), (2, 2), (1, 1)]
)
def test_a_batch_is_cut_into_equal_groups(sequences, groups):
    assert group_count(sequences) == groups


def test_auto_cuts_only_what_does_not_fit():
    assert resolve_memory("auto", 100, math.ceil(100 / SHARE)) == "plain"
    assert resolve_memory("auto", 101, math.floor(100 / SHARE)) == "grouped"
    assert resolve_memory("auto", 10**15, None) == "plain"
    assert resolve_memory("plain", 10**15, 1) == "plain"
    assert resolve_memory("grouped", 1, 10**15) == "grouped"


def test_a_container_has_the_memory_it_is_allowed(tmp_path):
    limit = tmp_path / "memory.max"
    whole = memory_of_cores(10**6, limit)
    assert 0 < memory_of_cores(1, limit) <= whole
    limit.write_text("max\n")
    assert memory_of_cores(10**6, limit) == whole
    limit.write_text("1000000\n")
    assert memory_of_cores(10**6, limit) == 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sequences", "length", "changes"),
    [(8, 512, {}), (16, 256, {"d_hidden": 32}), (4, 512, {"bidirectional": True})],
)
def test_memory_is_about_what_is_foretold_and_a_fifth_of_it_in_groups(sequences, length, changes):
    config = ModelConfig(n_layers=6, **{"d_model": 64, "d_hidden": 64, "dropout": 0.1, **changes})
    inputs = jnp.ones((sequences, length), jnp.uint8)
    lengths = jnp.full(sequences, length)

    def temporary(groups: int) -> int:
        model = build_model(
            config, TASKS["listops"], ComputeMethod(scan="sequential", groups=groups)
        )
        variables = jax.jit(model.init)(jax.random.key(0), TRACED)

        def loss(params):
            logits, _ = model.train(
                variables | {"params": params}, inputs, lengths, TRACED, jax.random.key(3)
            )
            return jnp.sum(jnp.sin(logits))

        compiled = jax.jit(jax.grad(loss)).lower(variables["params"]).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    plain = temporary(1)
    assert 0.6 * plain < activation_bytes(config, sequences, length) < 1.6 * plain
    assert temporary(group_count(sequences)) < plain / 3


@pytest.mark.usefixtures("native")
@pytest.mark.parametrize(
    ("name", "task_name"),
    [
        ("lru", "listops"),
        pytest.param("post", "listops", marks=pytest.mark.slow),
        pytest.param("half", "copy", marks=pytest.mark.slow),
        pytest.param("no-dropout", "aan", marks=pytest.mark.slow),
    ],
)
def test_native_blocks_equal_those_of_jax(name, task_name):
    changes = CONFIGS[name]
    with jax.enable_x64(True):
        plain = loss_and_gradients(changes, task_name, 6)
        for keep in ("values", "entering"):
            assert_close(loss_and_gradients(changes, task_name, 6, native=keep), plain)


@pytest.mark.usefixtures("native")
def test_native_blocks_predict_what_those_of_jax_do():
    inputs, lengths = batch_of("listops", 3)
    config = ModelConfig(n_layers=2, d_model=8, d_hidden=6)
    plain, native = (
        build_model(config, TASKS["listops"], ComputeMethod(native=keep))
        for keep in (None, "values")
    )
    variables = jax.jit(plain.init)(jax.random.key(0), TRACED)
    ours, theirs = (jax.jit(m.predict)(variables, inputs, lengths) for m in (native, plain))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
